#include "playback/ts/packet_writer.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::playback::ts {
namespace {

constexpr uint8_t kSync = 0x47;
constexpr uint8_t kStuffing = 0xff;

// 2.4.3.5
constexpr uint8_t kDiscontinuity = 0x80;
constexpr uint8_t kRandomAccess = 0x40;
constexpr uint8_t kHasPcr = 0x10;

// A base of 90 kHz and an extension of 27 MHz, which is 0 here.
void AppendPcr(std::vector<uint8_t>& out, int64_t pcr) {
  const auto base = static_cast<uint64_t>(pcr & kTimeMask);
  for (const int shift : {25, 17, 9, 1}) out.push_back(static_cast<uint8_t>(base >> shift));
  out.push_back(static_cast<uint8_t>((base & 1) << 7 | 0x7e));
  out.push_back(0);
}

}  // namespace

// The pieces of a unit, one after the other.
struct PacketWriter::Cursor {
  std::span<const ByteSpan> pieces;
  size_t offset = 0;  // within the first
  size_t left = 0;    // bytes in all

  explicit Cursor(std::span<const ByteSpan> all) : pieces(all) {
    for (const ByteSpan piece : all) left += piece.size();
  }

  // Requires size <= left.
  void CopyTo(std::vector<uint8_t>& out, size_t size) {
    left -= size;
    while (size > 0) {
      const ByteSpan rest = pieces.front().subspan(offset);
      const ByteSpan part = rest.first(std::min(size, rest.size()));
      out.insert(out.end(), part.begin(), part.end());
      size -= part.size();
      offset += part.size();
      if (offset < pieces.front().size()) continue;
      pieces = pieces.subspan(1);
      offset = 0;
    }
  }
};

std::vector<uint8_t> PacketWriter::Announce(uint16_t pid, const PacketFlags& flags) const {
  uint8_t said = 0;
  if (!counters_.contains(pid)) said |= kDiscontinuity;
  if (flags.random_access) said |= kRandomAccess;
  if (flags.pcr) said |= kHasPcr;
  std::vector<uint8_t> out;
  if (said == 0) return out;
  out.push_back(said);
  if (flags.pcr) AppendPcr(out, *flags.pcr);
  return out;
}

void PacketWriter::WriteHead(uint16_t pid, bool unit_start, bool adaptation, bool payload) {
  CHECK(pid < 0x1fff);
  uint8_t& counter = counters_[pid];
  // A packet without payload repeats the number of the one before it.
  const uint8_t number = payload ? counter : (counter + 15) % 16;
  if (payload) counter = (counter + 1) % 16;
  out_.push_back(kSync);
  out_.push_back(static_cast<uint8_t>((unit_start ? 0x40 : 0) | pid >> 8));
  out_.push_back(static_cast<uint8_t>(pid));
  out_.push_back(static_cast<uint8_t>((adaptation ? 0x20 : 0) | (payload ? 0x10 : 0) | number));
}

void PacketWriter::WriteSection(uint16_t pid, ByteSpan section) {
  const std::vector<uint8_t> said = Announce(pid, {});
  const size_t end = out_.size() + kPacketBytes;
  WriteHead(pid, true, !said.empty(), true);
  if (!said.empty()) out_.push_back(static_cast<uint8_t>(said.size()));
  out_.insert(out_.end(), said.begin(), said.end());
  out_.push_back(0);  // pointer_field: it begins here
  CHECK(out_.size() + section.size() <= end);
  out_.insert(out_.end(), section.begin(), section.end());
  out_.resize(end, kStuffing);
}

void PacketWriter::WriteUnit(uint16_t pid, std::span<const ByteSpan> pieces,
                             const PacketFlags& flags) {
  Cursor cursor(pieces);
  CHECK(cursor.left > 0);
  std::vector<uint8_t> said = Announce(pid, flags);
  bool start = true;
  while (cursor.left > 0) {
    const size_t adaptation = said.empty() ? 0 : 1 + said.size();
    const size_t size = std::min(cursor.left, kPacketBodyBytes - adaptation);
    // What is left free stands in the adaptation field: its size first, then its flags.
    const size_t room = kPacketBodyBytes - size;
    WriteHead(pid, start, room > 0, true);
    if (room > 0) {
      const size_t end = out_.size() + room;
      out_.push_back(static_cast<uint8_t>(room - 1));
      if (said.empty() && room > 1) out_.push_back(0);
      out_.insert(out_.end(), said.begin(), said.end());
      out_.resize(end, kStuffing);
    }
    cursor.CopyTo(out_, size);
    said.clear();
    start = false;
  }
}

void PacketWriter::WriteClock(uint16_t pid, int64_t pcr) {
  CHECK(counters_.contains(pid));
  const std::vector<uint8_t> said = Announce(pid, {.random_access = false, .pcr = pcr});
  const size_t end = out_.size() + kPacketBytes;
  WriteHead(pid, false, true, false);
  out_.push_back(static_cast<uint8_t>(kPacketBodyBytes - 1));
  out_.insert(out_.end(), said.begin(), said.end());
  out_.resize(end, kStuffing);
}

}  // namespace penstock::playback::ts
