// Depayloaders without GStreamer: every packet is an access unit; one whose payload begins with 'K'
// is a key frame.
#pragma once

#include "base/byte_io.h"
#include "ingest/rtp/packet.h"
#include "ingest/rtsp/media_format.h"

namespace penstock::ingest::rtsp {

class FakeDepayloader final : public fragmenter::gst::Depayloader {
 public:
  FakeDepayloader(const fragmenter::gst::RtpFormat& format, uint32_t track, Callbacks callbacks)
      : format_(format), track_(track), callbacks_(std::move(callbacks)) {}

  void Push(const Bytes& packet, int64_t timestamp, bool lost_before,
            ServerTime received) override {
    const auto header = rtp::ParsePacket(packet);
    const Bytes payload = packet.Slice(header->payload_offset, header->payload_size);
    if (payload.text() == "?") {
      ++errors_;
      return;
    }
    if (!configured_) {
      configured_ = true;
      fragmenter::TrackConfig config;
      config.number = track_;
      config.codec = format_.encoding_name == "H264"   ? fragmenter::Codec::kH264
                     : format_.encoding_name == "H265" ? fragmenter::Codec::kH265
                                                       : fragmenter::Codec::kAac;
      config.clock_rate = format_.clock_rate;
      callbacks_.on_config(std::move(config));
    }
    fragmenter::AccessUnit unit;
    unit.track = track_;
    unit.pts = timestamp;
    unit.key = payload.text().starts_with('K');
    unit.damaged = lost_before;
    unit.data = payload;
    unit.received = received;
    callbacks_.on_unit(std::move(unit));
  }
  void Flush() override {}
  uint64_t errors() const override { return errors_; }
  std::string last_error() const override { return errors_ > 0 ? "no NAL unit in it" : ""; }

 private:
  const fragmenter::gst::RtpFormat format_;
  const uint32_t track_;
  const Callbacks callbacks_;
  bool configured_ = false;
  uint64_t errors_ = 0;
};

inline DepayloaderFactory FakeDepayloaders() {
  return [](const fragmenter::gst::RtpFormat& format, uint32_t track,
            fragmenter::gst::Depayloader::Callbacks callbacks)
             -> Result<std::unique_ptr<fragmenter::gst::Depayloader>> {
    const std::string& name = format.encoding_name;
    if (name != "H264" && name != "H265" && name != "MPEG4-GENERIC" && name != "MP4A-LATM") {
      return Error(ErrorCode::kUnsupported, name);
    }
    std::unique_ptr<fragmenter::gst::Depayloader> made =
        std::make_unique<FakeDepayloader>(format, track, std::move(callbacks));
    return made;
  };
}

// An RTP packet of version 2.
inline Bytes RtpPacket(uint8_t payload_type, uint16_t sequence, uint32_t timestamp,
                       std::string_view payload, uint32_t ssrc = 1) {
  ByteWriter out;
  out.Be(uint8_t{0x80});
  out.Be(static_cast<uint8_t>(0x80 | payload_type));
  out.Be(sequence);
  out.Be(timestamp);
  out.Be(ssrc);
  out.Text(payload);
  return out.Take();
}

// A lone RTCP sender report.
inline Bytes SenderReportPacket(uint64_t ntp, uint32_t timestamp, uint32_t ssrc = 1) {
  ByteWriter out;
  out.BeN(0x80c80006, 4);
  out.Be(ssrc);
  out.Be(ntp);
  out.Be(timestamp);
  out.Be(uint64_t{0});
  return out.Take();
}

}  // namespace penstock::ingest::rtsp
