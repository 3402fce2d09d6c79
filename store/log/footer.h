// The end of a sealed segment (docs/format.md §4).
#pragma once

#include <vector>

#include "store/log/record.h"
#include "store/log/segment_header.h"

namespace penstock::store {

struct FooterEntry {
  Lsn lsn = 0;
  ItemRecord item;
};

// What one shard has in one segment.
struct FooterShard {
  ShardId shard;
  uint64_t items = 0;
  uint64_t body_bytes = 0;
  uint64_t ordinal_min = UINT64_MAX;
  uint64_t ordinal_max = 0;
  int64_t server_ms_min = INT64_MAX;
  int64_t server_ms_max = INT64_MIN;
};

// The fixed part: what an opening needs of a segment whose items the index has.
struct FooterHead {
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
  Lsn durable_lsn = 0;
  uint64_t data_end = 0;
  uint32_t last_crc = 0;
  // Derived from the entries by EncodeFooter.
  int64_t server_ms_min = 0;
  int64_t server_ms_max = 0;
  uint64_t body_bytes = 0;
};

struct Footer : FooterHead {
  std::vector<FooterEntry> entries;
  std::vector<FooterShard> shards;  // derived from the entries by EncodeFooter
};

// Sorts the entries, derives the summaries, and gives the bytes from data_end to the end of the
// file, trailer included.
std::vector<uint8_t> EncodeFooter(Footer& footer, const Uuid& uuid);

struct Trailer {
  uint64_t footer_offset = 0;
  uint64_t footer_bytes = 0;
  uint32_t footer_crc = 0;
  uint32_t head_crc = 0;  // of the fixed part alone; 0: a program that wrote none
};
// The last kTrailerBytes of a file of `file_bytes`. kCorruption: the segment is not sealed.
Result<Trailer> DecodeTrailer(ByteSpan bytes, uint64_t file_bytes, const Uuid& uuid);
// `bytes` begin with the fixed part, whose CRC the trailer has. kUnsupported if there are entries
// of a newer program.
Result<FooterHead> DecodeFooterHead(ByteSpan bytes, const Trailer& trailer, const Uuid& uuid);
Result<Footer> DecodeFooter(ByteSpan bytes, const Trailer& trailer, const Uuid& uuid);

}  // namespace penstock::store
