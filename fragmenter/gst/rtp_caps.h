// RtpFormat in GStreamer's words.
#pragma once

#include <string>

#include "fragmenter/gst/depayloader.h"

typedef struct _GstCaps GstCaps;  // NOLINT: GStreamer's own spelling

namespace penstock::fragmenter::gst {

// What to build for an encoding.
struct ChainPlan {
  Codec codec = Codec::kH264;
  const char* elements = nullptr;  // as for gst-launch-1.0
  const char* output_caps = nullptr;
  const char* factories[2] = {};  // what has to be installed
  const char* package = nullptr;  // Debian's name, for the message
};

// kUnsupported names the codec.
Result<ChainPlan> PlanFor(const RtpFormat& format);

// application/x-rtp caps; the caller owns them. Only parameters that the elements know are passed
// on.
GstCaps* MakeRtpCaps(const RtpFormat& format);

// The value of a parameter by its case-insensitive name, or nullptr.
const std::string* FindParameter(const RtpFormat& format, std::string_view name);

}  // namespace penstock::fragmenter::gst
