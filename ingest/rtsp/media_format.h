// From a session description's words to what a depayloader needs.
#pragma once

#include <functional>
#include <memory>

#include "fragmenter/gst/depayloader.h"
#include "ingest/rtsp/sdp.h"

namespace penstock::ingest::rtsp {

// kUnsupported names what cannot be taken: "G.711 (PCMU)", "encrypted RTP (RTP/SAVP)".
Result<fragmenter::gst::RtpFormat> ToRtpFormat(const SdpMedia& media);

// How depayloaders are made; replaced in tests.
using DepayloaderFactory = std::function<Result<std::unique_ptr<fragmenter::gst::Depayloader>>(
    const fragmenter::gst::RtpFormat& format, uint32_t track,
    fragmenter::gst::Depayloader::Callbacks callbacks)>;
// fragmenter::gst::Depayloader::Make.
DepayloaderFactory GstDepayloaders();

}  // namespace penstock::ingest::rtsp
