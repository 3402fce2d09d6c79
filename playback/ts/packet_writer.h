// Transport packets (ISO/IEC 13818-1, 2.4.3): 188 bytes each, of one stream (PID) each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace penstock::playback::ts {

inline constexpr size_t kPacketBytes = 188;
inline constexpr size_t kPacketBodyBytes = 184;  // of adaptation field and payload
inline constexpr int64_t kTimeMask = (int64_t{1} << 33) - 1;

struct PacketFlags {
  bool random_access = false;  // a decoder may begin with what begins here
  std::optional<int64_t> pcr;  // 90 kHz, taken modulo 2^33
};

// Writes one segment; it is made and thrown away with it.
//
// Continuity counters. A segment depends on its fragment alone, so it cannot go on counting where
// the one before it ended: every counter begins at 0, and the first packet of each PID says with
// the discontinuity_indicator that its counter did not follow from what was before (2.4.3.4 allows
// just that). ffmpeg, which joins the segments of a list to one stream, would otherwise take the
// last frame before each for damaged ("Packet corrupt"); hls.js reads neither counter nor
// indicator. On the PID of the PCR the indicator speaks of the clock, too: the PCR beside it is to
// be taken as it is, and it does go on. Padding every PID to a multiple of 16 packets would do
// without, for 6 KB a segment.
class PacketWriter {
 public:
  explicit PacketWriter(size_t expected_bytes) { out_.reserve(expected_bytes); }

  // A section that fits into a packet.
  void WriteSection(uint16_t pid, ByteSpan section);
  // What begins in a packet of its own and goes on in as many as it takes. Its bytes are copied
  // here, once. Requires at least one byte.
  void WriteUnit(uint16_t pid, std::span<const ByteSpan> pieces, const PacketFlags& flags);
  // A packet without payload. Requires that the PID has had one.
  void WriteClock(uint16_t pid, int64_t pcr);

  size_t size() const { return out_.size(); }
  Bytes Take() { return Bytes::From(std::move(out_)); }

 private:
  struct Cursor;

  // The adaptation field's flags and what they announce; empty if there is nothing to say.
  std::vector<uint8_t> Announce(uint16_t pid, const PacketFlags& flags) const;
  void WriteHead(uint16_t pid, bool unit_start, bool adaptation, bool payload);

  std::vector<uint8_t> out_;
  std::map<uint16_t, uint8_t> counters_;  // of the next packet with payload
};

}  // namespace penstock::playback::ts
