#include "store/log/record.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/limits.h"

namespace penstock::store {
namespace {

Error Damaged(const char* what) {
  return Error(ErrorCode::kCorruption, std::string("record: ") + what);
}

bool IsItemKind(uint8_t kind) { return kind >= 1 && kind <= 5; }
bool IsMetaKind(uint8_t kind) { return (kind >= 32 && kind <= 38) || (kind >= 40 && kind <= 45); }

bool IsKnown(uint8_t kind, uint8_t version) {
  if (IsItemKind(kind)) return version == kItemRecordVersion || version == kItemCopyVersion;
  return IsMetaKind(kind) && version == 1;
}

void ReadItemFixed(ByteReader& in, ItemRecord& item, uint16_t& extents, uint32_t& crcs) {
  ItemHeader& header = item.header;
  std::array<uint8_t, 16> shard{};
  const ByteSpan raw = in.Raw(shard.size());
  std::copy(raw.begin(), raw.end(), shard.begin());
  item.shard = ShardId::FromBytes(shard);
  header.number.index = in.Le<uint64_t>();
  header.number.server_ms = in.Le<int64_t>();
  header.number.salt = in.Le<uint32_t>();
  header.server_time = ServerTimeFromMs(header.number.server_ms);
  header.flags = in.Le<uint32_t>();
  header.ordinal = in.Le<uint64_t>();
  header.discontinuity_ordinal = in.Le<uint64_t>();
  header.run = in.Le<uint64_t>();
  header.producer_time = ProducerTimeFromUs(in.Le<int64_t>());
  header.duration = std::chrono::microseconds(in.Le<int64_t>());
  header.track_set = in.Le<uint64_t>();
  item.clock_run = in.Le<uint32_t>();
  item.retention_class = in.Le<uint32_t>();
  header.gap_reason = static_cast<GapReason>(in.Le<uint8_t>());
  item.tier = in.Le<uint8_t>();
  extents = in.Le<uint16_t>();
  crcs = in.Le<uint32_t>();
  header.body_bytes = in.Le<uint32_t>();
  header.meta_bytes = in.Le<uint32_t>();
  item.meta_offset = in.Le<uint64_t>();
  item.meta_crc = in.Le<uint32_t>();
  in.Skip(4);
}

Result<ItemRecord> ReadItem(ByteReader in, uint8_t kind, size_t fixed_bytes) {
  if (fixed_bytes < kItemFixedBytes) return Damaged("an item's fixed part is too short");
  ItemRecord item;
  item.header.kind = static_cast<ItemKind>(kind);
  uint16_t extents = 0;
  uint32_t crcs = 0;
  ReadItemFixed(in, item, extents, crcs);
  in.Skip(fixed_bytes - kItemFixedBytes);
  const ItemHeader& header = item.header;
  if (header.gap_reason > GapReason::kSourceRemoved) return Damaged("unknown gap reason");
  if (header.number.index == 0) return Damaged("an item without a number");
  if (!item.is_track_set() && OrdinalOfIndex(header.number.index) != header.ordinal) {
    return Damaged("number and ordinal disagree");
  }
  if (header.meta_bytes > limits::kItemMetaBytesMax) return Damaged("meta too large");
  if (crcs != (uint64_t{header.body_bytes} + kBodyCrcBytes - 1) / kBodyCrcBytes)
    return Damaged("CRC count");
  if (uint64_t{extents} * 16 + uint64_t{crcs} * 4 > in.left())
    return Damaged("an item's lists are too long");
  uint64_t total = 0;
  for (uint16_t i = 0; i < extents; ++i) {
    Extent extent;
    extent.offset = in.Le<uint64_t>();
    extent.bytes = in.Le<uint32_t>();
    in.Skip(4);
    total += extent.bytes;
    item.extents.push_back(extent);
  }
  if (total != header.body_bytes) return Damaged("extents and body size disagree");
  for (uint32_t i = 0; i < crcs; ++i) item.body_crcs.push_back(in.Le<uint32_t>());
  if (!in.ok()) return Damaged("cut short");
  return item;
}

}  // namespace

std::vector<uint32_t> BodyCrcs(const ByteChain& body) {
  std::vector<uint32_t> out;
  out.reserve((body.size() + kBodyCrcBytes - 1) / kBodyCrcBytes);
  uint32_t crc = 0;
  size_t in_block = 0;
  for (const Bytes& piece : body.pieces()) {
    ByteSpan rest = piece.span();
    while (!rest.empty()) {
      const size_t take = std::min(rest.size(), kBodyCrcBytes - in_block);
      crc = Crc32cExtend(crc, rest.first(take));
      in_block += take;
      rest = rest.subspan(take);
      if (in_block == kBodyCrcBytes) {
        out.push_back(crc);
        crc = 0;
        in_block = 0;
      }
    }
  }
  if (in_block > 0) out.push_back(crc);
  return out;
}

std::vector<uint32_t> BodyCrcs(ByteSpan body) {
  std::vector<uint32_t> out;
  while (!body.empty()) {
    const size_t take = std::min(body.size(), kBodyCrcBytes);
    out.push_back(Crc32c(body.first(take)));
    body = body.subspan(take);
  }
  return out;
}

uint8_t ItemRecordVersion(const ItemRecord& item) {
  return item.copy ? kItemCopyVersion : kItemRecordVersion;
}

size_t ItemRecordBytes(const ItemRecord& item) {
  return kItemFixedBytes + item.extents.size() * 16 + item.body_crcs.size() * 4;
}

void WriteItemRecord(ByteWriter& out, const ItemRecord& item, size_t payload_bytes) {
  const ItemHeader& header = item.header;
  out.Le(static_cast<uint32_t>(ItemRecordBytes(item) + payload_bytes));
  out.Le(static_cast<uint8_t>(header.kind));
  out.Le(ItemRecordVersion(item));
  out.Le(static_cast<uint16_t>(kItemFixedBytes));
  out.Raw(item.shard.bytes());
  out.Le(header.number.index);
  out.Le(header.number.server_ms);
  out.Le(header.number.salt);
  out.Le(header.flags);
  out.Le(header.ordinal);
  out.Le(header.discontinuity_ordinal);
  out.Le(header.run);
  out.Le(ToUs(header.producer_time));
  out.Le(static_cast<int64_t>(header.duration.count()));
  out.Le(header.track_set);
  out.Le(item.clock_run);
  out.Le(item.retention_class);
  out.Le(static_cast<uint8_t>(header.gap_reason));
  out.Le(item.tier);
  out.Le(static_cast<uint16_t>(item.extents.size()));
  out.Le(static_cast<uint32_t>(item.body_crcs.size()));
  out.Le(header.body_bytes);
  out.Le(header.meta_bytes);
  out.Le(item.meta_offset);
  out.Le(item.meta_crc);
  out.Zero(4);
  for (const Extent& extent : item.extents) {
    out.Le(extent.offset);
    out.Le(extent.bytes);
    out.Zero(4);
  }
  for (const uint32_t crc : item.body_crcs) out.Le(crc);
}

void WriteMetaRecord(ByteWriter& out, const MetaRecord& record) {
  const size_t bytes = AlignUp(kMetaFixedBytes + record.payload.size(), 8);
  out.Le(static_cast<uint32_t>(bytes));
  out.Le(static_cast<uint8_t>(record.kind));
  out.Le(uint8_t{1});
  out.Le(static_cast<uint16_t>(kMetaFixedBytes));
  out.Le(static_cast<uint32_t>(record.payload.size()));
  out.Raw(record.payload);
  out.Zero(bytes - kMetaFixedBytes - record.payload.size());
}

Result<Record> ReadRecord(ByteReader& in) {
  ByteReader prefix(in.rest());
  const auto bytes = prefix.Le<uint32_t>();
  const auto kind = prefix.Le<uint8_t>();
  const auto version = prefix.Le<uint8_t>();
  const auto fixed_bytes = prefix.Le<uint16_t>();
  if (!prefix.ok() || bytes < 8 || bytes % 8 != 0 || fixed_bytes < 8 || fixed_bytes > bytes) {
    return Damaged("bad lengths");
  }
  const ByteSpan whole = in.Raw(bytes);
  if (!in.ok()) return Damaged("longer than its batch");
  if (!IsKnown(kind, version)) {
    return Error(ErrorCode::kUnsupported, "record: kind " + std::to_string(kind) + " version " +
                                              std::to_string(version) + " is of a newer program");
  }
  Record record;
  ByteReader content(whole.subspan(8));
  record.is_item = IsItemKind(kind);
  if (record.is_item) {
    PS_TRY(record.item, ReadItem(content, kind, fixed_bytes));
    record.item.copy = version == kItemCopyVersion;
    return record;
  }
  const auto payload_bytes = content.Le<uint32_t>();
  if (fixed_bytes < kMetaFixedBytes) return Damaged("a metadata record's fixed part is too short");
  content.Skip(fixed_bytes - kMetaFixedBytes);
  record.meta.kind = static_cast<MetaKind>(kind);
  record.meta.payload = Bytes::Copy(content.Raw(payload_bytes));
  if (!content.ok()) return Damaged("a metadata record is cut short");
  return record;
}

}  // namespace penstock::store
