// Real media for the tests: clips made by ffmpeg, packed into RTP by GStreamer's payloaders, and
// what ffmpeg says of a file.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "fragmenter/gst/depayloader.h"
#include "tests/testing/temp_dir.h"

namespace penstock::fragmenter::testing {

// Runs a shell command; its output. Fails the test if the command fails.
inline std::string Shell(const std::string& command) {
  std::string out;
  FILE* const pipe = popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (pipe != nullptr) {
    const size_t got = fread(buffer.data(), 1, buffer.size(), pipe);
    if (got == 0) break;
    out.append(buffer.data(), got);
  }
  EXPECT_EQ(pipe == nullptr ? -1 : pclose(pipe), 0) << command << "\n" << out;
  return out;
}

// One packet of a file in decoding order.
struct ClipPacket {
  int stream = 0;
  int64_t dts = 0;
  int64_t pts = 0;
  int64_t duration = 0;
  size_t size = 0;
  std::string hash;
};

// ffmpeg's view of a file: every packet with the hash of its bytes.
inline std::vector<ClipPacket> Packets(const std::string& path, const std::string& map = "0:v:0") {
  std::istringstream lines(
      Shell("ffmpeg -v error -i " + path + " -map " + map + " -c copy -copyts -f framemd5 - 2>&1"));
  std::vector<ClipPacket> packets;
  std::string line;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::ranges::replace(line, ',', ' ');
    std::istringstream fields(line);
    ClipPacket packet;
    fields >> packet.stream >> packet.dts >> packet.pts >> packet.duration >> packet.size >>
        packet.hash;
    packets.push_back(packet);
  }
  return packets;
}

// Encodes testsrc2 and a sine into an MP4; `video` and `audio` are ffmpeg's encoder options, empty
// for none.
inline std::string MakeClip(const std::string& folder, const std::string& name,
                            const std::string& video, const std::string& audio,
                            const std::string& size = "320x180", double seconds = 4) {
  const std::string path = folder + "/" + name + ".mp4";
  std::string command = "ffmpeg -v error -y";
  if (!video.empty()) command += " -f lavfi -i testsrc2=size=" + size + ":rate=25";
  if (!audio.empty()) command += " -f lavfi -i sine=frequency=440:sample_rate=48000";
  command += " -t " + std::to_string(seconds);
  if (!video.empty()) command += " -pix_fmt yuv420p " + video;
  if (!audio.empty()) command += " " + audio;
  Shell(command + " " + path + " 2>&1");
  return path;
}

inline const char kH264[] =
    "-c:v libx264 -preset veryfast -profile:v main -g 50 -keyint_min 50 -sc_threshold 0 -bf 0 "
    "-threads 1";
inline const char kH264WithB[] =
    "-c:v libx264 -preset veryfast -profile:v high -g 50 -keyint_min 50 -sc_threshold 0 -bf 3 "
    "-threads 1";
inline const char kH265[] =
    "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params "
    "log-level=none:keyint=50:min-keyint=50:bframes=3:pools=1";
inline const char kAac[] = "-c:a aac -b:a 64k -ac 2";

// The packets of one track as a sender would send them, and its description.
struct RtpClip {
  gst::RtpFormat format;
  std::vector<Bytes> packets;
};

inline int64_t TimestampOf(const Bytes& packet) {
  const uint8_t* const p = packet.data();
  return int64_t{p[4]} << 24 | int64_t{p[5]} << 16 | int64_t{p[6]} << 8 | p[7];
}

// `source` ends in elementary stream, e.g. "qtdemux ! h264parse"; `payloader` is e.g. "rtph264pay
// mtu=1200".
inline RtpClip Pay(const std::string& path, const std::string& demux,
                   const std::string& payloader) {
  gst::InitOnce();
  RtpClip clip;
  GstElement* const pipeline = gst_parse_launch(
      ("filesrc location=" + path + " ! " + demux + " ! " + payloader +
       " timestamp-offset=5000 seqnum-offset=7 ! fakesink name=out sync=false signal-handoffs=true")
          .c_str(),
      nullptr);
  GstElement* const out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  const auto handoff = +[](GstElement*, GstBuffer* buffer, GstPad*, RtpClip* to) {
    std::vector<uint8_t> bytes(gst_buffer_get_size(buffer));
    gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
    to->packets.push_back(Bytes::From(std::move(bytes)));
  };
  g_signal_connect(out, "handoff", G_CALLBACK(handoff), &clip);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* const bus = gst_element_get_bus(pipeline);
  GstMessage* const message = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  EXPECT_TRUE(message != nullptr && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) << payloader;
  if (message != nullptr) gst_message_unref(message);

  GstPad* const pad = gst_element_get_static_pad(out, "sink");
  GstCaps* const caps = gst_pad_get_current_caps(pad);
  if (caps != nullptr) {
    const auto each = +[](GQuark id, const GValue* value, gpointer user) -> gboolean {
      auto& format = *static_cast<gst::RtpFormat*>(user);
      const std::string name = g_quark_to_string(id);
      if (name == "clock-rate") format.clock_rate = static_cast<uint32_t>(g_value_get_int(value));
      if (name == "encoding-name") format.encoding_name = g_value_get_string(value);
      if (G_VALUE_HOLDS_STRING(value)) format.fmtp.emplace_back(name, g_value_get_string(value));
      return TRUE;
    };
    gst_structure_foreach(gst_caps_get_structure(caps, 0), each, &clip.format);
    gst_caps_unref(caps);
  }
  gst_object_unref(pad);
  gst_object_unref(bus);
  gst_object_unref(out);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return clip;
}

inline RtpClip PayH264(const std::string& path,
                       const std::string& options = "config-interval=-1 mtu=1200") {
  return Pay(path, "qtdemux name=d d.video_0 ! h264parse", "rtph264pay pt=96 " + options);
}
inline RtpClip PayH265(const std::string& path) {
  return Pay(path, "qtdemux name=d d.video_0 ! h265parse",
             "rtph265pay pt=96 config-interval=-1 mtu=1200");
}
// By way of ADTS, which has no edit list: qtdemux would clip the encoder's priming and with it the
// first units.
inline std::string Adts(const std::string& path) {
  Shell("ffmpeg -v error -y -i " + path + " -vn -c copy -f adts " + path + ".aac 2>&1");
  return path + ".aac";
}
inline RtpClip PayAac(const std::string& path) {
  return Pay(Adts(path), "aacparse", "rtpmp4gpay pt=97");
}
inline RtpClip PayLatm(const std::string& path) {
  return Pay(Adts(path), "aacparse", "rtpmp4apay pt=97");
}

}  // namespace penstock::fragmenter::testing
