// One part of a batch: its head (docs/format.md §3).
#pragma once

#include <vector>

#include "store/log/record.h"
#include "store/log/segment_header.h"

namespace penstock::store {

struct BatchHeader {
  uint32_t head_bytes = 0;
  Lsn lsn = 0;
  Lsn durable_lsn = 0;
  uint64_t epoch = 0;
  uint64_t part_bytes = 0;
  int64_t server_ms_max = 0;
  uint32_t record_count = 0;
  uint16_t part_index = 0;
  uint32_t previous_crc = 0;
  uint32_t crc = 0;
  std::vector<SegmentSeq> parts;
};

// Where a batch's records start.
inline size_t BatchRecordsOffset(size_t part_count) { return kBatchFixedBytes + 8 * part_count; }

// Puts the header in front: `head` holds room for BatchRecordsOffset(parts) bytes and then the
// records, no padding. Sets head_bytes and crc.
void FinishBatchHead(std::vector<uint8_t>& head, BatchHeader& header, const Uuid& uuid);

// The fixed part and lengths only, unverified: how many bytes of head to read. kCorruption if it
// cannot be one.
Result<BatchHeader> PeekBatchHeader(ByteSpan fixed);

struct DecodedBatch {
  BatchHeader header;
  std::vector<Record> records;
};
// A whole head, verified. kCorruption; kUnsupported for records of a newer program.
Result<DecodedBatch> DecodeBatchHead(ByteSpan head, const Uuid& uuid);

}  // namespace penstock::store
