#include "ingest/rtsp/media_format.h"

#include <fmt/format.h>

#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {

Result<fragmenter::gst::RtpFormat> ToRtpFormat(const SdpMedia& media) {
  if (media.protocol.starts_with("RTP/SAVP")) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("encrypted RTP ({})", Printable(media.protocol, 20)));
  }
  const bool av = media.type == "video" || media.type == "audio";
  if (!av || !media.protocol.starts_with("RTP/AVP") || media.encoding.empty()) {
    return Error(ErrorCode::kUnsupported, MediaName(media));
  }
  fragmenter::gst::RtpFormat format;
  format.encoding_name = media.encoding;
  format.payload_type = media.payload_type;
  format.clock_rate = media.clock_rate;
  if (format.clock_rate == 0 && media.type == "video") format.clock_rate = 90'000;
  if (format.clock_rate == 0) {
    return Error(ErrorCode::kUnsupported, fmt::format("{} without a clock rate", MediaName(media)));
  }
  format.channels = media.channels;
  format.fmtp = media.fmtp;
  return format;
}

DepayloaderFactory GstDepayloaders() {
  return [](const fragmenter::gst::RtpFormat& format, uint32_t track,
            fragmenter::gst::Depayloader::Callbacks callbacks) {
    fragmenter::gst::InitOnce();
    return fragmenter::gst::Depayloader::Make(format, track, std::move(callbacks));
  };
}

}  // namespace penstock::ingest::rtsp
