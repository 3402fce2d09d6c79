// Segment recovery: whatever stands in a file, reading it ends, stays within its bytes, and
// believes nothing.
#include <cstdlib>
#include <vector>

#include "store/log/meta_records.h"
#include "store/log/segment_scan.h"
#include "store/shard_state.h"

namespace {

using namespace penstock;
using namespace penstock::store;

SegmentHeader Header() {
  SegmentHeader header;
  header.retention_class = 24;
  header.sequence = 7;
  header.epoch = 3;
  header.first_lsn = 11;
  for (size_t i = 0; i < header.uuid.size(); ++i) header.uuid[i] = static_cast<uint8_t>(0xa0 + i);
  return header;
}

void Require(bool holds) {
  if (!holds) std::abort();
}

// As it comes; and everything found must be readable or refused.
void Scan(std::vector<uint8_t> segment) {
  MemorySource source(segment);
  const auto own = ReadSegmentHeader(source);
  SegmentHeader header = own.ok() ? *own : Header();
  if (!own.ok()) {
    const std::vector<uint8_t> block = EncodeSegmentHeader(header);
    if (segment.size() >= kBlockBytes) std::copy(block.begin(), block.end(), segment.begin());
  }
  const auto result = ScanSegment(source, header, [&](ScannedBatch batch) -> Status {
    Require(batch.offset + batch.header.part_bytes <= source.size());
    for (const Record& record : batch.records) {
      if (record.is_item) (void)VerifyItemBytes(source, record.item);
    }
    return {};
  });
  if (result.ok()) Require(result->end <= std::max<uint64_t>(source.size(), kBlockBytes));
  (void)ReadFooterHead(source, header);
  (void)ReadFooter(source, header);
}

// The input as the records of a batch whose checksums are right: past the CRC, into the parsers.
void ScanRecords(ByteSpan records) {
  SegmentHeader header = Header();
  std::vector<uint8_t> segment = EncodeSegmentHeader(header);
  std::vector<uint8_t> head(BatchRecordsOffset(1));
  head.insert(head.end(), records.begin(), records.end());
  BatchHeader batch;
  batch.lsn = 11;
  batch.epoch = 3;
  batch.parts = {7};
  batch.previous_crc = header.crc;
  batch.part_bytes = AlignUp(head.size(), kBlockBytes);
  ByteReader count(records);
  while (count.left() > 0 && ReadRecord(count).ok()) ++batch.record_count;
  FinishBatchHead(head, batch, header.uuid);
  segment.insert(segment.end(), head.begin(), head.end());
  segment.resize(kBlockBytes + batch.part_bytes);
  Scan(std::move(segment));
}

void ParsePayloads(ByteSpan payload) {
  (void)ParseClaim(payload);
  (void)ParseLowWater(payload);
  (void)ParseSnapshotBegin(payload);
  (void)ParseSnapshotEnd(payload);
  (void)ParseSnapshotCatalog(payload);
  (void)ParseSnapshotRequest(payload);
  (void)ParseCatalogCommand(payload);
  (void)DecodeShardState(payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan rest(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      Scan(std::vector<uint8_t>(rest.begin(), rest.end()));
      break;
    case 1:
      ScanRecords(rest);
      break;
    default:
      ParsePayloads(rest);
      break;
  }
  return 0;
}
