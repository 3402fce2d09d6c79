#include "ingest/rtp/rtcp.h"

#include <algorithm>

#include "base/byte_io.h"

namespace penstock::ingest::rtp {
namespace {

constexpr uint8_t kSenderReport = 200;
constexpr uint8_t kReceiverReport = 201;
constexpr uint8_t kSourceDescription = 202;
constexpr uint8_t kBye = 203;
constexpr int64_t kNtpToUnixSeconds = 2'208'988'800;
constexpr size_t kBlocksMax = 31;  // a 5-bit count

ReportBlock ReadBlock(ByteReader& reader) {
  ReportBlock block;
  block.ssrc = reader.Be<uint32_t>();
  block.fraction_lost = reader.Be<uint8_t>();
  const auto lost = static_cast<uint32_t>(reader.BeN(3));
  block.lost = static_cast<int32_t>(lost << 8) >> 8;  // 24 bits, signed
  block.highest_sequence = reader.Be<uint32_t>();
  block.jitter = reader.Be<uint32_t>();
  block.last_report = reader.Be<uint32_t>();
  block.since_last_report = reader.Be<uint32_t>();
  return block;
}

void WriteBlock(const ReportBlock& block, ByteWriter& out) {
  out.Be(block.ssrc);
  out.Be(block.fraction_lost);
  const int32_t lost = std::clamp(block.lost, -0x80'0000, 0x7f'ffff);
  out.BeN(static_cast<uint32_t>(lost) & 0xff'ffff, 3);
  out.Be(block.highest_sequence);
  out.Be(block.jitter);
  out.Be(block.last_report);
  out.Be(block.since_last_report);
}

void ReadPacket(uint8_t type, uint8_t count, ByteSpan body, Compound& out) {
  ByteReader reader(body);
  if (type == kSenderReport) {
    SenderReport report;
    report.ssrc = reader.Be<uint32_t>();
    report.ntp = reader.Be<uint64_t>();
    report.timestamp = reader.Be<uint32_t>();
    report.packets = reader.Be<uint32_t>();
    report.bytes = reader.Be<uint32_t>();
    if (!reader.ok()) return;
    out.sender_reports.push_back(report);
  } else if (type == kReceiverReport) {
    reader.Skip(4);
  } else if (type == kBye) {
    for (int i = 0; i < count; ++i) {
      const auto ssrc = reader.Be<uint32_t>();
      if (reader.ok()) out.byes.push_back(ssrc);
    }
    return;
  } else {
    return;
  }
  for (int i = 0; i < count; ++i) {
    const ReportBlock block = ReadBlock(reader);
    if (reader.ok()) out.blocks.push_back(block);
  }
}

}  // namespace

ProducerTime FromNtp(uint64_t ntp) {
  int64_t seconds = static_cast<int64_t>(ntp >> 32);
  if (seconds < int64_t{1} << 31) seconds += int64_t{1} << 32;
  const auto micros = static_cast<int64_t>((ntp & 0xffff'ffff) * 1'000'000 >> 32);
  return ProducerTimeFromUs((seconds - kNtpToUnixSeconds) * 1'000'000 + micros);
}

uint64_t ToNtp(ProducerTime time) {
  const int64_t us = ToUs(time);
  const auto seconds = static_cast<uint64_t>(us / 1'000'000 + kNtpToUnixSeconds);
  // Rounded up, so that reading it back gives the same microsecond.
  const uint64_t fraction = ((static_cast<uint64_t>(us % 1'000'000) << 32) + 999'999) / 1'000'000;
  return seconds << 32 | fraction;
}

Result<Compound> ParseCompound(ByteSpan datagram) {
  Compound out;
  ByteReader reader(datagram);
  while (reader.left() > 0) {
    const auto flags = reader.Be<uint8_t>();
    const auto type = reader.Be<uint8_t>();
    const auto words = reader.Be<uint16_t>();
    const ByteSpan body = reader.Raw(size_t{words} * 4);
    if (!reader.ok()) return Error(ErrorCode::kProtocol, "RTCP packet longer than its datagram");
    if (flags >> 6 != 2) return Error(ErrorCode::kProtocol, "RTCP version is not 2");
    ReadPacket(type, flags & 0x1f, body, out);
  }
  return out;
}

Bytes MakeReceiverReport(uint32_t own_ssrc, const std::vector<ReportBlock>& blocks,
                         std::string_view cname, bool bye) {
  ByteWriter out;
  const size_t count = std::min(blocks.size(), kBlocksMax);
  out.Be(static_cast<uint8_t>(0x80 | count));
  out.Be(kReceiverReport);
  out.Be(static_cast<uint16_t>(1 + 6 * count));
  out.Be(own_ssrc);
  for (size_t i = 0; i < count; ++i) WriteBlock(blocks[i], out);

  // One chunk: SSRC, CNAME item, and zeros to the next word; at least one ends the list.
  const std::string_view name = cname.substr(0, 255);
  const size_t padding = 4 - (2 + name.size()) % 4;
  out.Be(uint8_t{0x81});
  out.Be(kSourceDescription);
  out.Be(static_cast<uint16_t>(1 + (2 + name.size() + padding) / 4));
  out.Be(own_ssrc);
  out.Be(uint8_t{1});
  out.Be(static_cast<uint8_t>(name.size()));
  out.Text(name);
  out.Zero(padding);

  if (bye) {
    out.Be(uint8_t{0x81});
    out.Be(kBye);
    out.Be(uint16_t{1});
    out.Be(own_ssrc);
  }
  return out.Take();
}

}  // namespace penstock::ingest::rtp
