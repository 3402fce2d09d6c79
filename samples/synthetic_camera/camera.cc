#include "samples/synthetic_camera/camera.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include <glib-unix.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>

#include "samples/synthetic_camera/clock_painter.h"

namespace synthetic_camera {
namespace {

struct ObjectDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using ObjectPtr = std::unique_ptr<T, ObjectDeleter>;

std::string RawCaps(int width, int height, int frames_per_second) {
  return "video/x-raw,format=I420,width=" + std::to_string(width) +
         ",height=" + std::to_string(height) + ",framerate=" + std::to_string(frames_per_second) +
         "/1";
}

std::string VideoEncoder(const Options& o) {
  const std::string bitrate = std::to_string(o.kilobits_per_second);
  const std::string group = std::to_string(o.group_frames);
  if (o.video == "h264") {
    // Without B-frames tuned for no delay, as cameras are; with them, a fixed pattern. One thread,
    // because with more this tuning cuts a picture into slices, and the payloader repeats the
    // parameter sets between the slices of a key frame.
    const std::string order =
        o.b_frames == 0 ? "tune=zerolatency threads=1 bframes=0"
                        : "rc-lookahead=5 b-adapt=false bframes=" + std::to_string(o.b_frames);
    return "x264enc speed-preset=ultrafast " + order + " bitrate=" + bitrate +
           " key-int-max=" + group + " option-string=scenecut=0 ! video/x-h264,profile=" +
           (o.b_frames == 0 ? "constrained-baseline" : "main") +
           " ! rtph264pay name=pay0 pt=96 config-interval=-1";
  }
  if (o.video == "h265") {
    return "x265enc speed-preset=ultrafast bitrate=" + bitrate + " key-int-max=" + group +
           " option-string=scenecut=0:b-adapt=0:rc-lookahead=10:bframes=" +
           std::to_string(o.b_frames) +
           ":log-level=warning ! h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1";
  }
  if (o.video == "vp8") {
    return "vp8enc deadline=1 cpu-used=8 target-bitrate=" + bitrate +
           "000 keyframe-max-dist=" + group + " ! rtpvp8pay name=pay0 pt=96";
  }
  return "jpegenc ! rtpjpegpay name=pay0 pt=26";
}

std::string AudioEncoder(const Options& o) {
  const std::string telephone = "audio/x-raw,rate=8000,channels=1 ! ";
  if (o.audio == "pcma") return telephone + "alawenc ! rtppcmapay pt=8";
  if (o.audio == "pcmu") return telephone + "mulawenc ! rtppcmupay pt=0";
  if (o.audio == "l16") return "audio/x-raw,rate=44100,channels=2,format=S16BE ! rtpL16pay pt=10";
  if (o.audio == "opus") return "audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay pt=97";
  const std::string aac = "audio/x-raw,rate=48000,channels=2 ! voaacenc bitrate=128000 ! aacparse";
  return aac + (o.audio == "latm" ? " ! rtpmp4apay pt=97" : " ! rtpmp4gpay pt=97");
}

std::string LaunchLine(const Options& o) {
  std::string line = "( ";
  if (o.video != "none") {
    line +=
        "videotestsrc is-live=true pattern=smpte horizontal-speed=2 ! capsfilter name=size caps=" +
        RawCaps(o.width, o.height, o.frames_per_second) + " ! queue ! " + VideoEncoder(o) + " ";
  }
  if (o.audio != "none") {
    const char* const name = o.video == "none" ? " name=pay0 " : " name=pay1 ";
    // A quiet beep each second: what is heard can be compared with what is seen.
    line += "audiotestsrc is-live=true wave=ticks volume=0.2 ! " + AudioEncoder(o) + name;
  }
  return line + ")";
}

GstPadProbeReturn PaintTime(GstPad* pad, GstPadProbeInfo* info, gpointer /*unused*/) {
  GstCaps* const caps = gst_pad_get_current_caps(pad);
  if (caps == nullptr) return GST_PAD_PROBE_OK;
  const GstStructure* const format = gst_caps_get_structure(caps, 0);
  int width = 0;
  int height = 0;
  gst_structure_get_int(format, "width", &width);
  gst_structure_get_int(format, "height", &height);
  gst_caps_unref(caps);

  GstBuffer* const buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) return GST_PAD_PROBE_OK;
  const Picture picture = Picture::FromI420(map.data, width, height);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  PaintClock(picture, unix_ms);
  PaintStrip(picture, unix_ms);
  gst_buffer_unmap(buffer, &map);
  return GST_PAD_PROBE_OK;
}

// A timer's hold on the element; the weak reference is empty once the last viewer has gone.
struct Resize {
  GWeakRef filter;
  std::string caps;
};

gboolean DoResize(gpointer data) {
  auto* const resize = static_cast<Resize*>(data);
  GstElement* const filter = GST_ELEMENT(g_weak_ref_get(&resize->filter));
  if (filter != nullptr) {
    GstCaps* const caps = gst_caps_from_string(resize->caps.c_str());
    g_object_set(filter, "caps", caps, nullptr);
    gst_caps_unref(caps);
    gst_object_unref(filter);
  }
  return G_SOURCE_REMOVE;
}

void FreeResize(gpointer data) {
  auto* const resize = static_cast<Resize*>(data);
  g_weak_ref_clear(&resize->filter);
  delete resize;
}

void OnMediaConfigure(GstRTSPMediaFactory* /*factory*/, GstRTSPMedia* media, gpointer data) {
  const Options& options = *static_cast<const Options*>(data);
  if (options.video == "none") return;
  const ObjectPtr<GstElement> bin(gst_rtsp_media_get_element(media));
  const ObjectPtr<GstElement> filter(gst_bin_get_by_name_recurse_up(GST_BIN(bin.get()), "size"));
  GstPad* const pad = gst_element_get_static_pad(filter.get(), "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, PaintTime, nullptr, nullptr);
  gst_object_unref(pad);

  if (options.resize_after_seconds == 0) return;
  auto* const resize = new Resize{
      .filter = {},
      .caps = RawCaps(options.width / 4 * 2, options.height / 4 * 2, options.frames_per_second)};
  g_weak_ref_init(&resize->filter, filter.get());
  g_timeout_add_seconds_full(G_PRIORITY_DEFAULT, static_cast<guint>(options.resize_after_seconds),
                             DoResize, resize, FreeResize);
}

// False if the files are not what they should be.
bool SetCertificate(GstRTSPAuth* auth, const Options& options) {
  GError* error = nullptr;
  const ObjectPtr<GTlsCertificate> certificate(g_tls_certificate_new_from_files(
      options.tls_certificate.c_str(), options.tls_key.c_str(), &error));
  if (certificate == nullptr) {
    std::fprintf(stderr, "synthetic_camera: no certificate: %s\n", error->message);
    g_error_free(error);
    return false;
  }
  gst_rtsp_auth_set_tls_certificate(auth, certificate.get());
  return true;
}

// A password, or TLS, or both.
bool Guard(GstRTSPServer* server, GstRTSPMediaFactory* factory, const Options& options) {
  gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                  G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
                                  G_TYPE_BOOLEAN, TRUE, nullptr);
  const ObjectPtr<GstRTSPAuth> auth(gst_rtsp_auth_new());
  GstRTSPToken* const token =
      gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", nullptr);
  if (options.user.empty()) {
    gst_rtsp_auth_set_default_token(auth.get(), token);
  } else {
    gst_rtsp_auth_set_supported_methods(auth.get(), GST_RTSP_AUTH_DIGEST);
    gst_rtsp_auth_add_digest(auth.get(), options.user.c_str(), options.password.c_str(), token);
  }
  gst_rtsp_token_unref(token);
  const bool good = options.tls_certificate.empty() || SetCertificate(auth.get(), options);
  gst_rtsp_server_set_auth(server, auth.get());
  return good;
}

GstRTSPLowerTrans Transports(const Options& options) {
  if (options.transport == "tcp") return GST_RTSP_LOWER_TRANS_TCP;
  if (options.transport == "udp") return GST_RTSP_LOWER_TRANS_UDP;
  return static_cast<GstRTSPLowerTrans>(GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP);
}

gboolean Quit(gpointer loop) {
  g_main_loop_quit(static_cast<GMainLoop*>(loop));
  return G_SOURCE_CONTINUE;
}

gboolean DropDeadSessions(gpointer server) {
  const ObjectPtr<GstRTSPSessionPool> pool(
      gst_rtsp_server_get_session_pool(GST_RTSP_SERVER(server)));
  gst_rtsp_session_pool_cleanup(pool.get());
  return G_SOURCE_CONTINUE;
}

}  // namespace

int ServeCamera(const Options& options) {
  const ObjectPtr<GstRTSPServer> server(gst_rtsp_server_new());
  gst_rtsp_server_set_address(server.get(), options.address.c_str());
  gst_rtsp_server_set_service(server.get(), std::to_string(options.port).c_str());

  GstRTSPMediaFactory* const factory = gst_rtsp_media_factory_new();  // the mount points take it
  gst_rtsp_media_factory_set_launch(factory, LaunchLine(options).c_str());
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  gst_rtsp_media_factory_set_protocols(factory, Transports(options));
  g_signal_connect(factory, "media-configure", G_CALLBACK(OnMediaConfigure),
                   const_cast<Options*>(&options));
  const bool guarded = !options.user.empty() || !options.tls_certificate.empty();
  if (guarded && !Guard(server.get(), factory, options)) return 1;
  const ObjectPtr<GstRTSPMountPoints> mounts(gst_rtsp_server_get_mount_points(server.get()));
  gst_rtsp_mount_points_add_factory(mounts.get(), options.path.c_str(), factory);

  if (gst_rtsp_server_attach(server.get(), nullptr) == 0) {
    std::fprintf(stderr, "synthetic_camera: cannot listen at %s:%d\n", options.address.c_str(),
                 options.port);
    return 1;
  }
  std::printf("%s://%s:%d%s\n", options.tls_certificate.empty() ? "rtsp" : "rtsps",
              options.address.c_str(), gst_rtsp_server_get_bound_port(server.get()),
              options.path.c_str());
  std::fflush(stdout);

  GMainLoop* const loop = g_main_loop_new(nullptr, FALSE);
  g_unix_signal_add(SIGINT, Quit, loop);
  g_unix_signal_add(SIGTERM, Quit, loop);
  g_timeout_add_seconds(5, DropDeadSessions, server.get());
  if (options.run_seconds > 0) {
    g_timeout_add_seconds(static_cast<guint>(options.run_seconds), Quit, loop);
  }
  g_main_loop_run(loop);
  g_main_loop_unref(loop);
  return 0;
}

}  // namespace synthetic_camera
