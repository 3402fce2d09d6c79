// One track of a session: RTP and RTCP in, access units and sender reports out to the sink.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ingest/media_sink.h"
#include "ingest/rtp/packet.h"
#include "ingest/rtp/reception_stats.h"
#include "ingest/rtp/reorder_window.h"
#include "ingest/rtp/unwrap.h"
#include "ingest/rtsp/media_format.h"

namespace penstock::ingest::rtsp {

// What has come so far; what the watchdogs look at.
struct TrackProgress {
  uint64_t packets = 0;
  uint64_t units = 0;
  uint64_t key_units = 0;
  // Of a payload type that was not agreed on, of a source that sent one and no more, or no RTP at
  // all.
  uint64_t foreign_packets = 0;
  uint8_t foreign_payload_type = 0;
  SteadyTime last_packet;
  SteadyTime last_unit;
};

// Made when the session description is known, fed once the sink is. One thread.
class TrackReceiver {
 public:
  // `number` is the track's number everywhere behind, from 1. kUnsupported names the codec.
  static Result<std::unique_ptr<TrackReceiver>> Make(const DepayloaderFactory& factory,
                                                     const SdpMedia& media, uint32_t number);

  // Before the first packet. `ordered`: the transport keeps the order (TCP). The sink must outlive
  // the last call of OnRtp, OnRtcp, Flush.
  void Start(MediaSink& sink, bool ordered);
  bool started() const { return sink_ != nullptr; }

  // `now` and `received` may be those of the read that brought it.
  void OnRtp(const Bytes& packet, SteadyTime now, ServerTime received);
  void OnRtcp(ByteSpan datagram, SteadyTime now, ServerTime received);
  // The camera says that playing starts at this RTP time. Believed if the first packet's time
  // stamp, before or after this call, is within kStartMax of it: some say 0 or what they played
  // last.
  void SetStart(uint32_t timestamp);
  static constexpr std::chrono::seconds kStartMax{3};

  // Gives up on packets that are missing for too long; call about once a second.
  void Expire(SteadyTime now);
  // The end: gives out what is still held.
  void Flush();

  // The block for the next receiver report; empty before the first packet.
  std::optional<rtp::ReportBlock> TakeReport(SteadyTime now) { return stats_.TakeReport(now); }

  uint32_t number() const { return number_; }
  const std::string& name() const { return name_; }  // "H.264"
  bool video() const { return video_; }
  const TrackProgress& progress() const { return progress_; }
  // What the depayloader complained about; empty if nothing.
  std::string complaint() const;

 private:
  TrackReceiver(const SdpMedia& media, const fragmenter::gst::RtpFormat& format, uint32_t number);
  struct Arrival {
    Bytes packet;
    rtp::PacketHeader header;
    SteadyTime now;
    ServerTime received;
  };
  void Take(const Arrival& arrival);
  void FollowSource(Arrival first, Arrival second);
  void Deliver(Bytes packet, uint64_t lost_before);
  void CheckStart();
  void GiveReport(const rtp::SenderReport& report, ServerTime received);

  const uint32_t number_;
  const std::string name_;
  const bool video_;
  const uint8_t payload_type_;
  const uint32_t clock_rate_;
  std::unique_ptr<fragmenter::gst::Depayloader> depayloader_;
  MediaSink* sink_ = nullptr;

  std::optional<rtp::ReorderWindow> window_;
  rtp::TimestampUnwrapper timestamps_;
  rtp::ReceptionStats stats_;
  std::optional<int64_t> first_timestamp_;  // of this source
  std::optional<uint32_t> start_;           // claimed, not looked at yet
  std::optional<uint32_t> ssrc_;
  std::optional<Arrival> probation_;                 // the only packet yet of another source
  std::optional<rtp::SenderReport> waiting_report_;  // came before the first packet
  uint64_t restarts_ = 0;

  // Of the packet that is being handled.
  SteadyTime now_;
  ServerTime received_;
  TrackProgress progress_;
};

}  // namespace penstock::ingest::rtsp
