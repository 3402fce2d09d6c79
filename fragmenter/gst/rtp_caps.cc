#include "fragmenter/gst/rtp_caps.h"

#include <algorithm>

#include <gst/gst.h>

#include "fragmenter/codec/opus.h"

namespace penstock::fragmenter::gst {
namespace {

// The depayloaders are asked for avc and hvc1 at once: they then keep parameter sets out of the
// access units. No h264parse: what we would use of it is which units are key, and for that the
// first bits of the slices are enough. alignment=au after rtph265depay, or the parser would hold
// each unit until the next begins.
constexpr ChainPlan kH264Plan = {Codec::kH264,
                                 "rtph264depay",
                                 "video/x-h264,stream-format=avc,alignment=au",
                                 {"rtph264depay"},
                                 "gstreamer1.0-plugins-good"};
constexpr ChainPlan kH265Plan = {
    Codec::kH265,
    "rtph265depay ! video/x-h265,stream-format=hvc1,alignment=au ! h265parse",
    "video/x-h265,stream-format=hvc1,alignment=au",
    {"rtph265depay", "h265parse"},
    "gstreamer1.0-plugins-good, gstreamer1.0-plugins-bad"};
// No aacparse: it would only fill in the times of the second and later units of a packet, which
// costs us an addition.
constexpr ChainPlan kAacPlan = {Codec::kAac,
                                "rtpmp4gdepay",
                                "audio/mpeg,mpegversion=4,stream-format=raw",
                                {"rtpmp4gdepay"},
                                "gstreamer1.0-plugins-good"};
constexpr ChainPlan kLatmPlan = {Codec::kAac,
                                 "rtpmp4adepay",
                                 "audio/mpeg,mpegversion=4,stream-format=raw",
                                 {"rtpmp4adepay"},
                                 "gstreamer1.0-plugins-good"};

constexpr ChainPlan kOpusPlan = {
    Codec::kOpus, "rtpopusdepay", "audio/x-opus", {"rtpopusdepay"}, "gstreamer1.0-plugins-good"};
constexpr ChainPlan kPcmuPlan = {
    Codec::kPcmu, "rtppcmudepay", "audio/x-mulaw", {"rtppcmudepay"}, "gstreamer1.0-plugins-good"};
constexpr ChainPlan kPcmaPlan = {
    Codec::kPcma, "rtppcmadepay", "audio/x-alaw", {"rtppcmadepay"}, "gstreamer1.0-plugins-good"};

constexpr std::string_view kParameters[] = {
    "packetization-mode",
    "profile-level-id",
    "sprop-parameter-sets",
    "sprop-vps",
    "sprop-sps",
    "sprop-pps",
    "sprop-max-don-diff",
    "mode",
    "config",
    "cpresent",
    "streamtype",
    "object",
    "sizelength",
    "indexlength",
    "indexdeltalength",
    "ctsdeltalength",
    "dtsdeltalength",
    "randomaccessindication",
    "auxiliarydatasizelength",
    "constantsize",
    "constantduration",
    "maxdisplacement",
    "de-interleavebuffersize",
};

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return out;
}

Status RequireVideoClock(const RtpFormat& format) {
  if (format.clock_rate == 90'000) return {};
  return Error(ErrorCode::kUnsupported, format.encoding_name + " with a clock of " +
                                            std::to_string(format.clock_rate) + " Hz");
}

}  // namespace

const std::string* FindParameter(const RtpFormat& format, std::string_view name) {
  for (const auto& [key, value] : format.fmtp) {
    if (Lower(key) == name) return &value;
  }
  return nullptr;
}

Result<ChainPlan> PlanFor(const RtpFormat& format) {
  if (format.clock_rate == 0 || format.clock_rate > 1'000'000) {
    return Error(ErrorCode::kUnsupported, format.encoding_name + " with a clock of " +
                                              std::to_string(format.clock_rate) + " Hz");
  }
  if (format.encoding_name == "H264") {
    PS_TRY_VOID(RequireVideoClock(format));
    return kH264Plan;
  }
  if (format.encoding_name == "H265") {
    PS_TRY_VOID(RequireVideoClock(format));
    return kH265Plan;
  }
  const std::string* const config = FindParameter(format, "config");
  if (format.encoding_name == "MPEG4-GENERIC") {
    const std::string* const mode = FindParameter(format, "mode");
    if (mode == nullptr || Lower(*mode).rfind("aac-", 0) != 0)
      return Error(ErrorCode::kUnsupported, "MPEG4-GENERIC that is not AAC");
    if (config == nullptr || config->empty())
      return Error(ErrorCode::kUnsupported, "AAC without its configuration in the SDP");
    return kAacPlan;
  }
  if (format.encoding_name == "MP4A-LATM") {
    if (config == nullptr || config->empty())
      return Error(ErrorCode::kUnsupported, "AAC (LATM) with its configuration in the stream");
    return kLatmPlan;
  }
  if (format.encoding_name == "OPUS" && format.clock_rate == kOpusRate) return kOpusPlan;
  if (format.encoding_name == "PCMU") return kPcmuPlan;
  if (format.encoding_name == "PCMA") return kPcmaPlan;
  return Error(ErrorCode::kUnsupported, "codec " + format.encoding_name);
}

GstCaps* MakeRtpCaps(const RtpFormat& format) {
  const bool video = format.encoding_name == "H264" || format.encoding_name == "H265";
  GstCaps* const caps =
      gst_caps_new_simple("application/x-rtp", "media", G_TYPE_STRING, video ? "video" : "audio",
                          "payload", G_TYPE_INT, static_cast<int>(format.payload_type),
                          "clock-rate", G_TYPE_INT, static_cast<int>(format.clock_rate),
                          "encoding-name", G_TYPE_STRING, format.encoding_name.c_str(), nullptr);
  for (const std::string_view name : kParameters) {
    const std::string* value = FindParameter(format, name);
    if (value == nullptr ||
        !g_utf8_validate(value->data(), static_cast<gssize>(value->size()), nullptr))
      continue;
    // The template knows two spellings of the mode only.
    const std::string spelt = name == "mode" && Lower(*value) == "aac-hbr"   ? "AAC-hbr"
                              : name == "mode" && Lower(*value) == "aac-lbr" ? "AAC-lbr"
                                                                             : *value;
    gst_caps_set_simple(caps, std::string(name).c_str(), G_TYPE_STRING, spelt.c_str(), nullptr);
  }
  return caps;
}

}  // namespace penstock::fragmenter::gst
