// What a lane's folder says after a crash or a clean end (docs/format.md §5).
#pragma once

#include <optional>

#include "store/disk/disk.h"
#include "store/index/index.h"
#include "store/log/lane.h"
#include "store/log/segment_register.h"
#include "store/store.h"

namespace penstock::store {

struct ScannedSegment {
  // One part, without its records.
  struct Part {
    uint64_t offset = 0;
    uint64_t end = 0;
    BatchHeader header;
  };
  std::shared_ptr<Segment> segment;
  uint64_t file_bytes = 0;
  bool sealed = false;
  bool footer_damaged = false;  // sealed, but its batches must be walked
  Lsn first_lsn = 0;
  Lsn last_lsn = 0;
  std::vector<Part> parts;  // not sealed only
  std::vector<ScanDamage> damages;
  uint64_t end = kBlockBytes;  // behind the last part that counts
};

struct Snapshot {
  Lsn as_of = 0;
  uint64_t catalog_counter = 0;
  std::vector<MetaRecord> records;
};

struct LaneLog {
  uint32_t lane = 0;
  std::filesystem::path directory;
  std::vector<ScannedSegment> segments;  // by sequence
  std::vector<std::string> leftovers;    // spares
  Lsn durable = 0;                       // acknowledged, by what the parts say of each other
  Lsn end = 0;                           // the last batch that counts: durable <= end
  uint64_t voided = 0;                   // batches after it that were found
  uint64_t epoch = 0;                    // the largest seen
  SegmentSeq next_sequence = 1;
  std::optional<Snapshot> snapshot;              // the newest whole one
  std::vector<std::pair<Lsn, MetaRecord>> meta;  // without snapshots, by LSN, up to `end`
  SegmentRegister registered;                    // the segments of items that must be there
  std::vector<SegmentRecord> missing;            // those of them that are not, by sequence
  std::vector<CheckReport::Finding> findings;
};

// Changes nothing. kCorruption if acknowledged metadata is damaged (unless `tolerant`: then it is a
// finding), kUnsupported for a newer format.
Result<LaneLog> ScanLane(Disk& disk, const std::filesystem::path& directory, uint32_t lane,
                         const Uuid& store, bool tolerant);

// Calls visit for each item with from < LSN <= log.end, segment by segment. A footer that is found
// damaged now is a finding, as is what its batches lack; what they have is visited.
using ItemVisitor = std::function<Status(Lsn, StoredItem)>;
Status VisitItems(LaneLog& log, Lsn from, const ItemVisitor& visit);

// Cuts what is void, seals every segment, removes leftovers. Repeatable after a crash anywhere in
// it.
Status FinishLane(Disk& disk, LaneLog& log);

}  // namespace penstock::store
