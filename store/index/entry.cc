#include "store/index/entry.h"

#include "store/index/keys.h"

namespace penstock::store {

std::string EncodeStoredItem(const StoredItem& item) {
  const ItemRecord& record = item.record;
  const ItemHeader& header = record.header;
  ByteWriter out;
  out.Le(uint8_t{1});
  out.Le(static_cast<uint8_t>(header.kind));
  out.Varint(item.segment);
  out.Varint(header.number.index);
  out.Zigzag(header.number.server_ms);
  out.Varint(header.number.salt);
  out.Varint(header.flags);
  out.Varint(header.ordinal);
  out.Varint(header.discontinuity_ordinal);
  out.Varint(header.run);
  out.Zigzag(ToUs(header.producer_time));
  out.Zigzag(header.duration.count());
  out.Varint(header.track_set);
  out.Varint(record.clock_run);
  out.Varint(record.retention_class);
  out.Le(static_cast<uint8_t>(header.gap_reason));
  out.Le(record.tier);
  out.Varint(header.meta_bytes);
  out.Varint(record.meta_offset);
  out.Le(record.meta_crc);
  out.Varint(record.extents.size());
  for (const Extent& extent : record.extents) {
    out.Varint(extent.offset);
    out.Varint(extent.bytes);
  }
  for (const uint32_t crc : record.body_crcs) out.Le(crc);
  return TakeText(out);
}

Result<StoredItem> DecodeStoredItem(const ShardId& shard, ByteSpan bytes) {
  ByteReader in(bytes);
  if (in.Le<uint8_t>() != 1)
    return Error(ErrorCode::kUnsupported, "index: a row of a newer program");
  StoredItem item;
  ItemRecord& record = item.record;
  ItemHeader& header = record.header;
  record.shard = shard;
  header.kind = static_cast<ItemKind>(in.Le<uint8_t>());
  item.segment = in.Varint();
  header.number.index = in.Varint();
  header.number.server_ms = in.Zigzag();
  header.server_time = ServerTimeFromMs(header.number.server_ms);
  header.number.salt = static_cast<uint32_t>(in.Varint());
  header.flags = static_cast<uint32_t>(in.Varint());
  header.ordinal = in.Varint();
  header.discontinuity_ordinal = in.Varint();
  header.run = in.Varint();
  header.producer_time = ProducerTimeFromUs(in.Zigzag());
  header.duration = std::chrono::microseconds(in.Zigzag());
  header.track_set = in.Varint();
  record.clock_run = static_cast<uint32_t>(in.Varint());
  record.retention_class = static_cast<uint32_t>(in.Varint());
  header.gap_reason = static_cast<GapReason>(in.Le<uint8_t>());
  record.tier = in.Le<uint8_t>();
  header.meta_bytes = static_cast<uint32_t>(in.Varint());
  record.meta_offset = in.Varint();
  record.meta_crc = in.Le<uint32_t>();
  const uint64_t extents = in.Varint();
  for (uint64_t i = 0; i < extents && in.ok(); ++i) {
    Extent extent;
    extent.offset = in.Varint();
    extent.bytes = static_cast<uint32_t>(in.Varint());
    header.body_bytes += extent.bytes;
    record.extents.push_back(extent);
  }
  while (in.ok() && in.left() >= 4) record.body_crcs.push_back(in.Le<uint32_t>());
  const size_t crcs = (size_t{header.body_bytes} + kBodyCrcBytes - 1) / kBodyCrcBytes;
  if (!in.ok() || in.left() != 0 || record.body_crcs.size() != crcs) {
    return Error(ErrorCode::kCorruption, "index: a damaged row");
  }
  return item;
}

}  // namespace penstock::store
