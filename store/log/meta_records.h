// Payloads of metadata records (docs/format.md §3.3).
#pragma once

#include <string>
#include <vector>

#include "store/log/record.h"

namespace penstock::store {

struct ClaimRecord {
  uint64_t epoch = 0;
  int64_t server_ms = 0;
};
struct CatalogCommand {
  struct Expectation {
    std::string key;
    uint64_t version = 0;
  };
  struct Change {
    std::string key;
    bool present = false;  // false: erase
    Bytes value;
  };
  std::string request_id;
  std::vector<Expectation> expects;
  std::vector<Change> writes;
};
struct LowWaterRecord {
  ShardId shard;
  uint64_t ordinal = 0;
};
// kReservationEnd has the same payload.
struct ReservationRecord {
  ShardId shard;
  uint64_t end = 0;  // ordinals before it may have been shown
};
// A segment of items that must be there until its removal is in the log.
struct SegmentRecord {
  SegmentSeq sequence = 0;
  uint32_t retention_class = 0;  // hours
  uint64_t epoch = 0;
  int64_t lost_ms = 0;  // an opening missed it first at this server time; 0: none did
  friend bool operator==(const SegmentRecord&, const SegmentRecord&) = default;
};
struct SnapshotBeginRecord {
  Lsn as_of = 0;
  uint64_t catalog_counter = 0;
};
struct SnapshotEndRecord {
  Lsn as_of = 0;
  uint64_t records = 0;
};
struct CatalogEntryRecord {
  std::string key;
  uint64_t version = 0;
  Bytes value;
};
struct RequestRecord {
  std::string id;
  uint64_t counter = 0;
  bool applied = false;
};

MetaRecord MakeClaimRecord(const ClaimRecord& claim);
MetaRecord MakeCatalogRecord(const CatalogCommand& command);
MetaRecord MakeLowWaterRecord(const ShardId& shard, uint64_t ordinal);
MetaRecord MakeReservationRecord(const ShardId& shard, uint64_t end);
MetaRecord MakeReservationEndRecord(const ShardId& shard, uint64_t end);
// kSegment, or kSnapshotSegment, which has the same payload.
MetaRecord MakeSegmentRecord(const SegmentRecord& segment, MetaKind kind = MetaKind::kSegment);
MetaRecord MakeSegmentsRemovedRecord(const std::vector<SegmentSeq>& sequences);
MetaRecord MakeSnapshotBegin(const SnapshotBeginRecord& begin);
MetaRecord MakeSnapshotEnd(const SnapshotEndRecord& end);
MetaRecord MakeSnapshotCatalog(const CatalogEntryRecord& entry);
MetaRecord MakeSnapshotRequest(const RequestRecord& request);

// kCorruption for anything that is not exactly one.
Result<ClaimRecord> ParseClaim(ByteSpan payload);
Result<CatalogCommand> ParseCatalogCommand(ByteSpan payload);
Result<LowWaterRecord> ParseLowWater(ByteSpan payload);
Result<ReservationRecord> ParseReservation(ByteSpan payload);
Result<SegmentRecord> ParseSegment(ByteSpan payload);
Result<std::vector<SegmentSeq>> ParseSegmentsRemoved(ByteSpan payload);
Result<SnapshotBeginRecord> ParseSnapshotBegin(ByteSpan payload);
Result<SnapshotEndRecord> ParseSnapshotEnd(ByteSpan payload);
Result<CatalogEntryRecord> ParseSnapshotCatalog(ByteSpan payload);
Result<RequestRecord> ParseSnapshotRequest(ByteSpan payload);

}  // namespace penstock::store
