// What a receiver report says about one source (RFC 3550, section 6.4.1 and appendices A.3 and
// A.8).
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "ingest/rtp/packet.h"
#include "ingest/rtp/rtcp.h"
#include "ingest/rtp/unwrap.h"

namespace penstock::ingest::rtp {

class ReceptionStats {
 public:
  explicit ReceptionStats(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  void OnPacket(const PacketHeader& header, SteadyTime now);
  void OnSenderReport(const SenderReport& report, SteadyTime now);
  // The source began a new sequence.
  void Restart();

  // Empty before the first packet. Asking begins the next interval for fraction_lost.
  std::optional<ReportBlock> TakeReport(SteadyTime now);

 private:
  uint32_t clock_rate_;
  uint32_t ssrc_ = 0;
  SequenceUnwrapper sequence_;
  int64_t first_ = 0;
  int64_t highest_ = 0;
  int64_t received_ = 0;
  int64_t expected_before_ = 0;
  int64_t received_before_ = 0;

  double jitter_ = 0;
  std::optional<uint32_t> last_timestamp_;
  SteadyTime last_arrival_;

  std::optional<uint64_t> last_report_ntp_;
  SteadyTime last_report_arrival_;
};

}  // namespace penstock::ingest::rtp
