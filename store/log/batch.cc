#include "store/log/batch.h"

#include <cstring>

#include "base/crc32c.h"

namespace penstock::store {
namespace {

constexpr size_t kCrcAt = 60;

Error Damaged(const char* what) {
  return Error(ErrorCode::kCorruption, std::string("batch: ") + what);
}

uint32_t HeadCrc(ByteSpan head, const Uuid& uuid) {
  uint32_t crc = Crc32c(uuid);
  crc = Crc32cExtend(crc, head.first(kCrcAt));
  return Crc32cExtend(crc, head.subspan(kBatchFixedBytes));
}

}  // namespace

void FinishBatchHead(std::vector<uint8_t>& head, BatchHeader& header, const Uuid& uuid) {
  CHECK(head.size() >= BatchRecordsOffset(header.parts.size()));
  header.head_bytes = static_cast<uint32_t>(head.size());
  ByteWriter out;
  out.Le(kBatchMagic);
  out.Le(header.head_bytes);
  out.Le(header.lsn);
  out.Le(header.durable_lsn);
  out.Le(header.epoch);
  out.Le(header.part_bytes);
  out.Le(header.server_ms_max);
  out.Le(header.record_count);
  out.Le(header.part_index);
  out.Le(static_cast<uint16_t>(header.parts.size()));
  out.Le(header.previous_crc);
  out.Le(uint32_t{0});
  for (const SegmentSeq part : header.parts) out.Le(part);
  std::memcpy(head.data(), out.span().data(), out.size());
  header.crc = HeadCrc(head, uuid);
  ByteWriter crc;
  crc.Le(header.crc);
  std::memcpy(head.data() + kCrcAt, crc.span().data(), crc.size());
}

Result<BatchHeader> PeekBatchHeader(ByteSpan fixed) {
  ByteReader in(fixed);
  if (in.Le<uint32_t>() != kBatchMagic) return Damaged("no magic");
  BatchHeader header;
  header.head_bytes = in.Le<uint32_t>();
  header.lsn = in.Le<uint64_t>();
  header.durable_lsn = in.Le<uint64_t>();
  header.epoch = in.Le<uint64_t>();
  header.part_bytes = in.Le<uint64_t>();
  header.server_ms_max = in.Le<int64_t>();
  header.record_count = in.Le<uint32_t>();
  header.part_index = in.Le<uint16_t>();
  const auto part_count = in.Le<uint16_t>();
  header.previous_crc = in.Le<uint32_t>();
  header.crc = in.Le<uint32_t>();
  if (!in.ok()) return Damaged("cut short");
  if (header.head_bytes < BatchRecordsOffset(part_count) || header.head_bytes > kHeadBytesMax)
    return Damaged("head length");
  if (header.part_bytes % kBlockBytes != 0 || header.part_bytes < header.head_bytes)
    return Damaged("part length");
  if (header.part_index >= part_count || header.lsn == 0 || header.durable_lsn >= header.lsn)
    return Damaged("numbers");
  header.parts.resize(part_count);
  return header;
}

Result<DecodedBatch> DecodeBatchHead(ByteSpan head, const Uuid& uuid) {
  DecodedBatch batch;
  PS_TRY(batch.header, PeekBatchHeader(head));
  BatchHeader& header = batch.header;
  if (head.size() < header.head_bytes) return Damaged("cut short");
  head = head.first(header.head_bytes);
  if (HeadCrc(head, uuid) != header.crc) return Damaged("wrong CRC");
  ByteReader in(head.subspan(kBatchFixedBytes));
  for (SegmentSeq& part : header.parts) part = in.Le<uint64_t>();
  for (uint32_t i = 0; i < header.record_count; ++i) {
    PS_TRY(Record record, ReadRecord(in));
    batch.records.push_back(std::move(record));
  }
  if (!in.ok() || in.left() != 0) return Damaged("bytes behind the last record");
  return batch;
}

}  // namespace penstock::store
