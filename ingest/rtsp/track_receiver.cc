#include "ingest/rtsp/track_receiver.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/byte_io.h"
#include "ingest/rtp/packet.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr size_t kTimestampOffset = 4;

}  // namespace

TrackReceiver::TrackReceiver(const SdpMedia& media, const fragmenter::gst::RtpFormat& format,
                             uint32_t number)
    : number_(number),
      name_(MediaName(media)),
      video_(media.type == "video"),
      payload_type_(format.payload_type),
      clock_rate_(format.clock_rate),
      stats_(format.clock_rate) {}

Result<std::unique_ptr<TrackReceiver>> TrackReceiver::Make(const DepayloaderFactory& factory,
                                                           const SdpMedia& media, uint32_t number) {
  PS_TRY(const auto format, ToRtpFormat(media));
  std::unique_ptr<TrackReceiver> track(new TrackReceiver(media, format, number));
  fragmenter::gst::Depayloader::Callbacks callbacks;
  TrackReceiver* const self = track.get();
  callbacks.on_config = [self](fragmenter::TrackConfig config) {
    self->sink_->SetTrack(std::move(config));
  };
  callbacks.on_unit = [self](fragmenter::AccessUnit unit) {
    ++self->progress_.units;
    if (unit.key) ++self->progress_.key_units;
    self->progress_.last_unit = self->now_;
    self->sink_->Push(std::move(unit));
  };
  auto depayloader = factory(format, number, std::move(callbacks));
  if (!depayloader.ok()) {
    if (depayloader.error().code() != ErrorCode::kUnsupported) return depayloader.error();
    return Error(ErrorCode::kUnsupported, track->name_);
  }
  track->depayloader_ = std::move(*depayloader);
  return track;
}

void TrackReceiver::Start(MediaSink& sink, bool ordered) {
  CHECK(sink_ == nullptr);
  sink_ = &sink;
  rtp::ReorderWindow::Options options;
  if (ordered) options.packets_max = 0;
  window_.emplace(options, [this](Bytes packet, uint64_t lost_before) {
    Deliver(std::move(packet), lost_before);
  });
}

void TrackReceiver::OnRtp(const Bytes& packet, SteadyTime now, ServerTime received) {
  CHECK(started());
  if (rtp::LooksLikeRtcp(packet)) return OnRtcp(packet, now, received);
  const auto header = rtp::ParsePacket(packet);
  if (!header.ok() || header->payload_type != payload_type_) {
    ++progress_.foreign_packets;
    if (header.ok()) progress_.foreign_payload_type = header->payload_type;
    return;
  }
  Arrival arrival{packet, *header, now, received};
  if (!ssrc_) ssrc_ = header->ssrc;
  // One source at a time. Another one is followed when two packets in a row are its own: a camera
  // that restarted its encoder. Until the second confirms it the first is held, for it is likely to
  // be the start of a key frame.
  const bool confirmed = probation_ && probation_->header.ssrc == header->ssrc;
  if (confirmed) return FollowSource(*std::exchange(probation_, {}), std::move(arrival));
  if (std::exchange(probation_, {})) ++progress_.foreign_packets;
  if (header->ssrc == *ssrc_) return Take(arrival);
  probation_ = std::move(arrival);
}

void TrackReceiver::Take(const Arrival& arrival) {
  now_ = arrival.now;
  received_ = arrival.received;
  ++progress_.packets;
  progress_.last_packet = arrival.now;
  stats_.OnPacket(arrival.header, arrival.now);
  window_->Insert(arrival.header.sequence, arrival.packet, arrival.now);
}

void TrackReceiver::FollowSource(Arrival first, Arrival second) {
  ssrc_ = second.header.ssrc;
  Flush();
  window_->Reset();
  stats_.Restart();
  timestamps_ = rtp::TimestampUnwrapper();
  waiting_report_.reset();
  first_timestamp_.reset();
  start_.reset();
  sink_->Break();
  // UDP may have swapped them.
  const auto ahead =
      static_cast<int16_t>(static_cast<uint16_t>(second.header.sequence - first.header.sequence));
  if (ahead < 0) std::swap(first, second);
  Take(first);
  Take(second);
}

void TrackReceiver::Deliver(Bytes packet, uint64_t lost_before) {
  if (lost_before > 0) sink_->PacketsLost(number_, lost_before);
  if (window_->restarts() != restarts_) {
    restarts_ = window_->restarts();
    stats_.Restart();
  }
  ByteReader reader(packet);
  reader.Skip(kTimestampOffset);
  const int64_t timestamp = timestamps_.Next(reader.Be<uint32_t>());
  if (!first_timestamp_) {
    first_timestamp_ = timestamp;
    CheckStart();
  }
  if (waiting_report_) {
    GiveReport(*waiting_report_, received_);
    waiting_report_.reset();
  }
  depayloader_->Push(packet, timestamp, lost_before > 0, received_);
}

void TrackReceiver::SetStart(uint32_t timestamp) {
  CHECK(started());
  start_ = timestamp;
  if (first_timestamp_) CheckStart();
}

void TrackReceiver::CheckStart() {
  if (!start_) return;
  // On a circle: the start may lie behind a wrap.
  const auto ahead =
      static_cast<int32_t>(static_cast<uint32_t>(*first_timestamp_) - *std::exchange(start_, {}));
  if (std::abs(int64_t{ahead}) > kStartMax.count() * clock_rate_) return;
  sink_->StartsAt(number_, *first_timestamp_ - ahead);
}

void TrackReceiver::OnRtcp(ByteSpan datagram, SteadyTime now, ServerTime received) {
  CHECK(started());
  const auto compound = rtp::ParseCompound(datagram);
  // Damaged reports are lost reports.
  if (!compound.ok()) return;
  for (const rtp::SenderReport& report : compound->sender_reports) {
    stats_.OnSenderReport(report, now);
    if (report.ntp == 0) continue;
    if (timestamps_.started()) {
      GiveReport(report, received);
    } else {
      waiting_report_ = report;
    }
  }
}

void TrackReceiver::GiveReport(const rtp::SenderReport& report, ServerTime received) {
  sink_->SenderReport(number_, timestamps_.Near(report.timestamp), rtp::FromNtp(report.ntp),
                      received);
}

void TrackReceiver::Expire(SteadyTime now) {
  if (window_) window_->Expire(now);
}

void TrackReceiver::Flush() {
  if (!started()) return;
  window_->Flush();
  depayloader_->Flush();
}

std::string TrackReceiver::complaint() const {
  if (progress_.packets == 0 && progress_.foreign_packets > 0) {
    return fmt::format("packets of payload type {} instead of {}", progress_.foreign_payload_type,
                       payload_type_);
  }
  return depayloader_->last_error();
}

}  // namespace penstock::ingest::rtsp
