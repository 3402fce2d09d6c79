// Records of a batch and their bytes (docs/format.md §3). Pure: parses anything, believes nothing.
#pragma once

#include <string>
#include <vector>

#include "base/byte_io.h"
#include "store/item.h"
#include "store/log/format.h"

namespace penstock::store {

// A piece of a body within the segment that holds the record.
struct Extent {
  uint64_t offset = 0;
  uint32_t bytes = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Everything the log knows of one item, its bytes aside.
struct ItemRecord {
  ShardId shard;
  ItemHeader header;
  uint32_t clock_run = 0;
  uint32_t retention_class = 0;  // hours
  uint8_t tier = 0;
  bool copy = false;  // of an item that the log may have elsewhere, too; the index does not say
  std::vector<Extent> extents;
  std::vector<uint32_t> body_crcs;
  uint64_t meta_offset = 0;
  uint32_t meta_crc = 0;

  bool is_track_set() const { return header.kind == ItemKind::kTrackSet; }
};

struct MetaRecord {
  MetaKind kind = MetaKind::kClaim;
  Bytes payload;
};

// The body's CRCs, one for each kBodyCrcBytes of it.
std::vector<uint32_t> BodyCrcs(const ByteChain& body);
// The same of bytes in one piece.
std::vector<uint32_t> BodyCrcs(ByteSpan body);

// The version of its kind that it is written with.
uint8_t ItemRecordVersion(const ItemRecord& item);
// Bytes of an item's record without inline body, meta and padding.
size_t ItemRecordBytes(const ItemRecord& item);
// Appends the record, announcing `payload_bytes` (padding included) that the caller appends behind
// it.
void WriteItemRecord(ByteWriter& out, const ItemRecord& item, size_t payload_bytes);
void WriteMetaRecord(ByteWriter& out, const MetaRecord& record);

struct Record {
  bool is_item = false;
  ItemRecord item;
  MetaRecord meta;
};

// Takes the next record from the front of `in`. Meta payloads are copied. kCorruption if it breaks
// the format, kUnsupported for kinds and versions of a newer program.
Result<Record> ReadRecord(ByteReader& in);

}  // namespace penstock::store
