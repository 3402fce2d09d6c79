// Reads transport streams as the standard describes them, written apart from what makes them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_io.h"

namespace penstock::playback {

struct PesPacket {
  uint16_t pid = 0;
  bool random_access = false;
  std::optional<size_t> told_bytes;  // behind the length field; none: not said
  int64_t pts = 0;                   // 90 kHz, 33 bits
  int64_t dts = 0;
  std::string head;  // up to the payload
  std::string payload;
};

// One or more segments in a row. Says with EXPECT what no segment may do.
class TransportReader {
 public:
  explicit TransportReader(ByteSpan bytes) {
    EXPECT_EQ(bytes.size() % 188, 0u);
    for (; bytes.size() >= 188; bytes = bytes.subspan(188)) ReadPacket(bytes.first(188));
    for (auto& [pid, pes] : open_) Close(std::move(pes));
    open_.clear();
  }

  std::vector<PesPacket> OfPid(uint16_t pid) const {
    std::vector<PesPacket> out;
    for (const PesPacket& pes : pes_) {
      if (pes.pid == pid) out.push_back(pes);
    }
    return out;
  }

  const std::map<uint16_t, uint8_t>& types() const { return types_; }  // stream_type by PID
  uint16_t clock_pid() const { return clock_pid_; }
  const std::vector<int64_t>& clock() const { return clock_; }
  const std::vector<uint16_t>& pids() const { return pids_; }  // of each packet
  // Packets whose counter did not follow, and which said so.
  int announced_breaks() const { return announced_breaks_; }

 private:
  void ReadPacket(ByteSpan packet) {
    ByteReader in(packet);
    ASSERT_EQ(in.Be<uint8_t>(), 0x47) << "packet " << pids_.size();
    const auto word = in.Be<uint16_t>();
    ASSERT_EQ(word & 0x8000, 0) << "transport_error_indicator";
    const bool start = (word & 0x4000) != 0;
    const uint16_t pid = word & 0x1fff;
    pids_.push_back(pid);
    const auto control = in.Be<uint8_t>();
    ASSERT_EQ(control >> 6, 0) << "not scrambled";
    const bool payload = (control & 0x10) != 0;
    uint8_t said = 0;
    if ((control & 0x20) != 0) said = ReadAdaptation(in, pid, payload);
    CheckCounter(pid, control & 15, payload, (said & 0x80) != 0);
    if (!payload) return;
    ASSERT_GT(in.left(), 0u);
    if (pid == 0 || pid == pmt_pid_) return ReadSection(in, pid);
    ASSERT_TRUE(types_.contains(pid)) << pid;
    if (start) {
      if (const auto found = open_.find(pid); found != open_.end()) Close(std::move(found->second));
      open_[pid] = PesPacket{.pid = pid, .random_access = (said & 0x40) != 0};
      ReadPesHead(in, open_[pid]);
    }
    ASSERT_TRUE(open_.contains(pid));
    open_[pid].payload += AsText(in.rest());
  }

  uint8_t ReadAdaptation(ByteReader& in, uint16_t pid, bool payload) {
    const auto size = in.Be<uint8_t>();
    EXPECT_TRUE(payload ? size <= 182 : size == 183) << int{size};
    ByteReader field(in.Raw(size));
    if (size == 0) return 0;
    const auto said = field.Be<uint8_t>();
    EXPECT_EQ(said & 0x2f, 0) << "nothing else is used here";
    if ((said & 0x10) != 0) {
      EXPECT_EQ(pid, clock_pid_);
      const uint64_t raw = field.BeN(6);
      EXPECT_EQ(raw >> 9 & 0x3f, 0x3fu) << "reserved bits";
      EXPECT_EQ(raw & 0x1ff, 0u) << "extension";
      clock_.push_back(static_cast<int64_t>(raw >> 15));
    }
    for (const uint8_t byte : field.rest()) EXPECT_EQ(byte, 0xff);
    EXPECT_TRUE(field.ok());
    return said;
  }

  void CheckCounter(uint16_t pid, uint8_t number, bool payload, bool announced) {
    const auto last = counters_.find(pid);
    if (last == counters_.end() || announced) {
      announced_breaks_ += announced ? 1 : 0;
      counters_[pid] = number;
      return;
    }
    EXPECT_EQ(number, payload ? (last->second + 1) % 16 : last->second) << "PID " << pid;
    last->second = number;
  }

  void ReadSection(ByteReader& in, uint16_t pid) {
    ASSERT_EQ(in.Be<uint8_t>(), 0) << "pointer_field";
    const ByteSpan all = in.rest();
    const auto table = in.Be<uint8_t>();
    const auto length = in.Be<uint16_t>();
    ASSERT_EQ(length & 0xf000, 0xb000);
    const size_t size = 3 + (length & 0xfffu);
    ASSERT_LE(size, all.size());
    EXPECT_EQ(Crc(all.first(size)), 0u);
    for (const uint8_t byte : all.subspan(size)) EXPECT_EQ(byte, 0xff);
    ByteReader section(all.subspan(3, size - 3 - 4));
    EXPECT_EQ(section.Be<uint16_t>(), 1);
    EXPECT_EQ(section.BeN(3), 0xc10000u);
    if (pid == 0) {
      EXPECT_EQ(table, 0);
      EXPECT_EQ(section.Be<uint16_t>(), 1);
      pmt_pid_ = section.Be<uint16_t>() & 0x1fff;
      EXPECT_EQ(section.left(), 0u);
      return;
    }
    EXPECT_EQ(table, 2);
    clock_pid_ = section.Be<uint16_t>() & 0x1fff;
    EXPECT_EQ(section.Be<uint16_t>(), 0xf000);
    while (section.left() > 0) {
      const auto type = section.Be<uint8_t>();
      types_[section.Be<uint16_t>() & 0x1fff] = type;
      EXPECT_EQ(section.Be<uint16_t>(), 0xf000);
    }
    EXPECT_TRUE(section.ok());
  }

  void ReadPesHead(ByteReader& in, PesPacket& pes) {
    const ByteSpan all = in.rest();
    ASSERT_EQ(in.BeN(3), 1u);
    in.Skip(1);
    const auto length = in.Be<uint16_t>();
    if (length != 0) pes.told_bytes = length;
    ASSERT_EQ(in.Be<uint8_t>() >> 6, 2);
    const uint8_t which = in.Be<uint8_t>() >> 6;
    ByteReader times(in.Raw(in.Be<uint8_t>()));
    ASSERT_TRUE(which == 2 || which == 3) << "a time stamp";
    pes.pts = ReadTime(times, which);
    pes.dts = which == 3 ? ReadTime(times, 1) : pes.pts;
    EXPECT_TRUE(times.ok());
    EXPECT_EQ(times.left(), 0u);
    pes.head = AsText(all.first(all.size() - in.left()));
  }

  static int64_t ReadTime(ByteReader& in, uint8_t prefix) {
    const uint64_t raw = in.BeN(5);
    EXPECT_EQ(raw >> 36, prefix);
    EXPECT_EQ(raw & 0x100010001, 0x100010001u) << "markers";
    return static_cast<int64_t>((raw >> 33 & 7) << 30 | (raw >> 17 & 0x7fff) << 15 |
                                (raw >> 1 & 0x7fff));
  }

  void Close(PesPacket pes) {
    if (pes.told_bytes) {
      EXPECT_EQ(*pes.told_bytes, pes.head.size() - 6 + pes.payload.size());
    }
    pes_.push_back(std::move(pes));
  }

  // Bit by bit, as the standard's figure A.1 has it.
  static uint32_t Crc(ByteSpan bytes) {
    uint32_t crc = ~0u;
    for (const uint8_t byte : bytes) {
      for (int bit = 7; bit >= 0; --bit) {
        const bool out = (crc >> 31 != 0) != ((byte >> bit & 1) != 0);
        crc <<= 1;
        if (out)
          crc ^= 1u << 26 | 1u << 23 | 1u << 22 | 1u << 16 | 1u << 12 | 1u << 11 | 1u << 10 |
                 1u << 8 | 1u << 7 | 1u << 5 | 1u << 4 | 1u << 2 | 1u << 1 | 1u;
      }
    }
    return crc;
  }

  uint16_t pmt_pid_ = 0xffff;
  uint16_t clock_pid_ = 0;
  std::map<uint16_t, uint8_t> types_;
  std::map<uint16_t, uint8_t> counters_;
  std::map<uint16_t, PesPacket> open_;
  std::vector<PesPacket> pes_;
  std::vector<int64_t> clock_;
  std::vector<uint16_t> pids_;
  int announced_breaks_ = 0;
};

// The distance of two times of 33 bits.
inline int64_t Distance(int64_t from, int64_t to) {
  constexpr int64_t kWrap = int64_t{1} << 33;
  const int64_t distance = ((to - from) % kWrap + kWrap) % kWrap;
  return distance >= kWrap / 2 ? distance - kWrap : distance;
}

}  // namespace penstock::playback
