#include "ingest/rtp/reception_stats.h"

#include <algorithm>
#include <cmath>

namespace penstock::ingest::rtp {

void ReceptionStats::OnPacket(const PacketHeader& header, SteadyTime now) {
  ssrc_ = header.ssrc;
  const bool first = !sequence_.started();
  const int64_t sequence = sequence_.Next(header.sequence);
  if (first) first_ = highest_ = sequence;
  highest_ = std::max(highest_, sequence);
  ++received_;

  if (last_timestamp_) {
    const auto ticks = static_cast<int32_t>(header.timestamp - *last_timestamp_);
    const double elapsed = std::chrono::duration<double>(now - last_arrival_).count();
    const double difference = std::abs(elapsed * clock_rate_ - ticks);
    jitter_ += (difference - jitter_) / 16;
  }
  last_timestamp_ = header.timestamp;
  last_arrival_ = now;
}

void ReceptionStats::OnSenderReport(const SenderReport& report, SteadyTime now) {
  last_report_ntp_ = report.ntp;
  last_report_arrival_ = now;
}

void ReceptionStats::Restart() { *this = ReceptionStats(clock_rate_); }

std::optional<ReportBlock> ReceptionStats::TakeReport(SteadyTime now) {
  if (!sequence_.started()) return std::nullopt;
  const int64_t expected = highest_ - first_ + 1;
  const int64_t expected_now = expected - expected_before_;
  const int64_t lost_now = expected_now - (received_ - received_before_);
  expected_before_ = expected;
  received_before_ = received_;

  ReportBlock block;
  block.ssrc = ssrc_;
  block.lost =
      static_cast<int32_t>(std::clamp<int64_t>(expected - received_, -0x80'0000, 0x7f'ffff));
  if (expected_now > 0 && lost_now > 0) {
    block.fraction_lost =
        static_cast<uint8_t>(std::min<int64_t>(lost_now * 256 / expected_now, 255));
  }
  block.highest_sequence = static_cast<uint32_t>(highest_);
  block.jitter = static_cast<uint32_t>(std::min(jitter_, 4e9));
  if (last_report_ntp_) {
    block.last_report = static_cast<uint32_t>(*last_report_ntp_ >> 16);
    const double since = std::chrono::duration<double>(now - last_report_arrival_).count();
    block.since_last_report = static_cast<uint32_t>(std::min(since * 65536, 4e9));
  }
  return block;
}

}  // namespace penstock::ingest::rtp
