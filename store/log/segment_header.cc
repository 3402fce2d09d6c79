#include "store/log/segment_header.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/crc32c.h"

namespace penstock::store {
namespace {

constexpr std::string_view kSegmentMagic = "PSTKSEG1";
constexpr std::string_view kSegmentSuffix = ".segment";
constexpr std::string_view kSpareSuffix = ".spare";

Uuid ReadUuid(ByteReader& in) {
  Uuid out{};
  const ByteSpan raw = in.Raw(out.size());
  std::copy(raw.begin(), raw.end(), out.begin());
  return out;
}

// The whole text must be digits.
std::optional<uint64_t> ParseDigits(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<uint8_t> EncodeSegmentHeader(SegmentHeader& header) {
  ByteWriter out;
  out.Text(kSegmentMagic);
  out.Le(kFormatVersion);
  out.Le(static_cast<uint32_t>(kBlockBytes));
  out.Le(header.lane);
  out.Le(header.retention_class);
  out.Le(header.sequence);
  out.Le(header.epoch);
  out.Le(header.first_lsn);
  out.Le(header.created_ms);
  out.Raw(header.uuid);
  out.Raw(header.store);
  out.Zero(kBlockBytes - 4 - out.size());
  header.crc = Crc32c(out.span());
  out.Le(header.crc);
  return std::move(out.buffer());
}

Result<SegmentHeader> DecodeSegmentHeader(ByteSpan block) {
  if (block.size() < kBlockBytes) return Error(ErrorCode::kCorruption, "segment header: cut short");
  block = block.first(kBlockBytes);
  ByteReader in(block);
  if (AsText(in.Raw(8)) != kSegmentMagic)
    return Error(ErrorCode::kCorruption, "segment header: no magic");
  const auto version = in.Le<uint32_t>();
  const auto header_bytes = in.Le<uint32_t>();
  ByteReader tail(block.last(4));
  SegmentHeader header;
  header.crc = tail.Le<uint32_t>();
  if (header.crc != Crc32c(block.first(kBlockBytes - 4))) {
    return Error(ErrorCode::kCorruption, "segment header: wrong CRC");
  }
  if (version != kFormatVersion || header_bytes != kBlockBytes) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("segment header: format version {}", version));
  }
  header.lane = in.Le<uint32_t>();
  header.retention_class = in.Le<uint32_t>();
  header.sequence = in.Le<uint64_t>();
  header.epoch = in.Le<uint64_t>();
  header.first_lsn = in.Le<uint64_t>();
  header.created_ms = in.Le<int64_t>();
  header.uuid = ReadUuid(in);
  header.store = ReadUuid(in);
  return header;
}

std::string SegmentFileName(const SegmentName& name) {
  if (name.retention_class == kMetaClass)
    return fmt::format("{:010}-meta{}", name.sequence, kSegmentSuffix);
  return fmt::format("{:010}-{}h{}", name.sequence, name.retention_class, kSegmentSuffix);
}

std::optional<SegmentName> ParseSegmentFileName(std::string_view name) {
  if (!name.ends_with(kSegmentSuffix)) return std::nullopt;
  name.remove_suffix(kSegmentSuffix.size());
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto sequence = ParseDigits(name.substr(0, dash));
  std::string_view kind = name.substr(dash + 1);
  if (!sequence) return std::nullopt;
  if (kind == "meta") return SegmentName{*sequence, kMetaClass};
  if (!kind.ends_with('h')) return std::nullopt;
  kind.remove_suffix(1);
  const auto hours = ParseDigits(kind);
  if (!hours || *hours == 0 || *hours > UINT32_MAX) return std::nullopt;
  return SegmentName{*sequence, static_cast<uint32_t>(*hours)};
}

std::string SpareFileName(SegmentSeq sequence) {
  return fmt::format("{:010}{}", sequence, kSpareSuffix);
}
bool IsSpareFileName(std::string_view name) { return name.ends_with(kSpareSuffix); }

std::string LaneDirectoryName(uint32_t lane) { return fmt::format("lane-{:02}", lane); }
std::optional<uint32_t> ParseLaneDirectoryName(std::string_view name) {
  if (!name.starts_with("lane-")) return std::nullopt;
  const auto lane = ParseDigits(name.substr(5));
  if (!lane || *lane > 9999) return std::nullopt;
  return static_cast<uint32_t>(*lane);
}

std::string TornFileName(SegmentSeq sequence, uint64_t offset) {
  return fmt::format("{:010}-{}", sequence, offset);
}

}  // namespace penstock::store
