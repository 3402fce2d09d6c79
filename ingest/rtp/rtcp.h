// RTCP compound packets (RFC 3550, section 6): sender reports and farewells in, receiver reports
// out.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace penstock::ingest::rtp {

// A 64-bit NTP time as the camera's wall clock. Seconds below 2^31 are taken as the era that begins
// in 2036 (RFC 4330, section 3).
ProducerTime FromNtp(uint64_t ntp);
uint64_t ToNtp(ProducerTime time);

struct SenderReport {
  uint32_t ssrc = 0;
  uint64_t ntp = 0;        // 0: the camera does not know the time
  uint32_t timestamp = 0;  // RTP time of the same instant
  uint32_t packets = 0;
  uint32_t bytes = 0;
};

// What we say about one source we receive.
struct ReportBlock {
  uint32_t ssrc = 0;
  uint8_t fraction_lost = 0;       // of 256, since the last report
  int32_t lost = 0;                // in all; 24 bits on the wire
  uint32_t highest_sequence = 0;   // cycles << 16 | sequence
  uint32_t jitter = 0;             // timestamp units
  uint32_t last_report = 0;        // the middle 32 bits of the newest sender report's NTP time
  uint32_t since_last_report = 0;  // 1/65536 s
};

struct Compound {
  std::vector<SenderReport> sender_reports;
  std::vector<ReportBlock> blocks;  // of sender and receiver reports
  std::vector<uint32_t> byes;
};

// Reads what it knows and steps over the rest (SDES, APP, feedback). kProtocol if a packet does not
// fit into the datagram. Cameras send lone sender reports and odd orders; that is accepted.
Result<Compound> ParseCompound(ByteSpan datagram);

// A receiver report with the blocks (31 at most) and the name RFC 3550 asks for; with `bye`, also a
// farewell.
Bytes MakeReceiverReport(uint32_t own_ssrc, const std::vector<ReportBlock>& blocks,
                         std::string_view cname, bool bye = false);

}  // namespace penstock::ingest::rtp
