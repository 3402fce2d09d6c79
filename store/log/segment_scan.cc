#include "store/log/segment_scan.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/limits.h"

namespace penstock::store {
namespace {

// Two parts may be torn at a crash; each is a batch, or one item larger than that.
constexpr uint64_t kLookAheadBytes =
    2 * (limits::kBatchBytesMax + limits::kFragmentBytesMax + 2 * limits::kItemMetaBytesMax);

bool AllZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

// Everything an item refers to must lie within its own part.
bool LiesWithin(const ItemRecord& item, uint64_t begin, uint64_t end) {
  const auto inside = [&](uint64_t offset, uint64_t bytes) {
    return offset >= begin && offset <= end && bytes <= end - offset;
  };
  if (item.header.meta_bytes > 0 && !inside(item.meta_offset, item.header.meta_bytes)) return false;
  return std::all_of(item.extents.begin(), item.extents.end(),
                     [&](const Extent& extent) { return inside(extent.offset, extent.bytes); });
}

Result<ScannedBatch> ReadPart(ByteSource& source, const SegmentHeader& segment, uint64_t offset,
                              ByteSpan block) {
  PS_TRY(const BatchHeader peeked, PeekBatchHeader(block.first(kBatchFixedBytes)));
  if (peeked.part_bytes > source.size() - offset)
    return Error(ErrorCode::kCorruption, "batch: longer than the file");
  std::vector<uint8_t> head(peeked.head_bytes);
  PS_TRY_VOID(source.Read(offset, head));
  PS_TRY(DecodedBatch batch, DecodeBatchHead(head, segment.uuid));
  if (batch.header.epoch != segment.epoch)
    return Error(ErrorCode::kCorruption, "batch: of another epoch");
  if (batch.header.parts[batch.header.part_index] != segment.sequence) {
    return Error(ErrorCode::kCorruption, "batch: of another segment");
  }
  for (const Record& record : batch.records) {
    if (record.is_item && !LiesWithin(record.item, offset, offset + batch.header.part_bytes)) {
      return Error(ErrorCode::kCorruption, "batch: an item lies outside of it");
    }
  }
  return ScannedBatch{offset, std::move(batch.header), std::move(batch.records)};
}

}  // namespace

Status MemorySource::Read(uint64_t offset, std::span<uint8_t> out) {
  CHECK(offset <= bytes_.size());
  CHECK(out.size() <= bytes_.size() - offset);
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return {};
}

Result<SegmentHeader> ReadSegmentHeader(ByteSource& source) {
  if (source.size() < kBlockBytes)
    return Error(ErrorCode::kCorruption, "segment header: cut short");
  std::vector<uint8_t> block(kBlockBytes);
  PS_TRY_VOID(source.Read(0, block));
  return DecodeSegmentHeader(block);
}

Result<ScanResult> ScanSegment(ByteSource& source, const SegmentHeader& header,
                               const BatchVisitor& visit) {
  ScanResult result;
  std::vector<uint8_t> block(kBlockBytes);
  uint64_t offset = kBlockBytes;
  uint32_t chain = header.crc;
  bool chained = true;
  Lsn last_lsn = header.first_lsn == 0 ? 0 : header.first_lsn - 1;
  while (offset + kBlockBytes <= source.size() && offset - result.end <= kLookAheadBytes) {
    PS_TRY_VOID(source.Read(offset, block));
    auto part = ReadPart(source, header, offset, block);
    if (!part.ok() && part.error().code() != ErrorCode::kCorruption) return std::move(part).error();
    const bool in_order = part.ok() && part->header.lsn > last_lsn &&
                          (!chained || part->header.previous_crc == chain);
    if (in_order) {
      last_lsn = part->header.lsn;
      chain = part->header.crc;
      chained = true;
      offset += part->header.part_bytes;
      result.end = offset;
      PS_TRY_VOID(visit(std::move(*part)));
      continue;
    }
    const bool footer = block[0] == 'P' && block[1] == 'S' && block[2] == 'F' && block[3] == 'T';
    if (chained && !footer && !AllZero(block)) {
      result.damages.push_back({offset, part.ok() ? "batch: does not follow the one before it"
                                                  : part.error().message()});
    }
    chained = false;
    offset += kBlockBytes;
  }
  return result;
}

Result<Trailer> ReadTrailer(ByteSource& source, const SegmentHeader& header) {
  if (source.size() < kBlockBytes + kTrailerBytes)
    return Error(ErrorCode::kCorruption, "footer: no trailer");
  std::vector<uint8_t> end(kTrailerBytes);
  PS_TRY_VOID(source.Read(source.size() - kTrailerBytes, end));
  return DecodeTrailer(end, source.size(), header.uuid);
}

Result<FooterHead> ReadFooterHead(ByteSource& source, const SegmentHeader& header) {
  PS_TRY(const Trailer trailer, ReadTrailer(source, header));
  if (trailer.head_crc == 0) {
    PS_TRY(Footer whole, ReadFooter(source, header));
    return static_cast<FooterHead>(whole);
  }
  std::vector<uint8_t> head(kFooterFixedBytes);
  PS_TRY_VOID(source.Read(trailer.footer_offset, head));
  return DecodeFooterHead(head, trailer, header.uuid);
}

Result<Footer> ReadFooter(ByteSource& source, const SegmentHeader& header) {
  PS_TRY(const Trailer trailer, ReadTrailer(source, header));
  std::vector<uint8_t> footer(trailer.footer_bytes);
  PS_TRY_VOID(source.Read(trailer.footer_offset, footer));
  return DecodeFooter(footer, trailer, header.uuid);
}

Status VerifyItemBytes(ByteSource& source, const ItemRecord& item) {
  std::vector<uint8_t> buffer(kBodyCrcBytes);
  uint32_t crc = 0;
  size_t in_block = 0;
  size_t block = 0;
  const auto check_block = [&]() -> Status {
    if (crc != item.body_crcs[block]) {
      return Error(ErrorCode::kCorruption,
                   fmt::format("item {}: wrong CRC at byte {} of its body",
                               item.header.number.ToString(), block * kBodyCrcBytes));
    }
    ++block;
    crc = 0;
    in_block = 0;
    return {};
  };
  for (const Extent& extent : item.extents) {
    for (uint32_t at = 0; at < extent.bytes;) {
      const size_t take = std::min<size_t>(extent.bytes - at, kBodyCrcBytes - in_block);
      const std::span<uint8_t> piece(buffer.data(), take);
      PS_TRY_VOID(source.Read(extent.offset + at, piece));
      crc = Crc32cExtend(crc, piece);
      at += static_cast<uint32_t>(take);
      in_block += take;
      if (in_block == kBodyCrcBytes) PS_TRY_VOID(check_block());
    }
  }
  if (in_block > 0) PS_TRY_VOID(check_block());
  if (item.header.meta_bytes == 0) return {};
  buffer.resize(item.header.meta_bytes);
  PS_TRY_VOID(source.Read(item.meta_offset, buffer));
  if (Crc32c(buffer) != item.meta_crc) {
    return Error(ErrorCode::kCorruption,
                 fmt::format("item {}: wrong CRC of its meta", item.header.number.ToString()));
  }
  return {};
}

}  // namespace penstock::store
