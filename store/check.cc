// `store check`: every byte read, nothing changed.
#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

class Checker {
 public:
  Checker(std::filesystem::path directory, Disk& disk)
      : directory_(std::move(directory)), disk_(disk) {}

  Result<CheckReport> Run() {
    PS_TRY(const Uuid id, ReadFormat(disk_, directory_));
    PS_TRY(const std::shared_ptr<void> lock, disk_.Lock(directory_ / "lock"));
    PS_TRY(const std::vector<std::string> names, disk_.List(directory_));
    std::vector<LaneLog> logs;
    for (const std::string& name : names) {
      const auto lane = ParseLaneDirectoryName(name);
      if (!lane) continue;
      PS_TRY(LaneLog log, ScanLane(disk_, directory_ / name, *lane, id, true));
      logs.push_back(std::move(log));
    }
    for (const LaneLog& log : logs) lanes_ = std::max(lanes_, log.lane + 1);
    for (LaneLog& log : logs) {
      report_.segments += log.segments.size();
      for (auto& finding : log.findings) report_.findings.push_back(std::move(finding));
      if (log.voided > 0) {
        Find(log.directory.string(),
             fmt::format("{} batches after the last acknowledged one are void", log.voided), false);
      }
      CollectMetadata(log);
      PS_TRY_VOID(ReadItems(log));
    }
    for (const auto& [key, why] : unreadable_)
      Find(key, fmt::format("the stream cannot be read from the catalog: {}", why), true);
    for (const auto& [shard, seen] : shards_) CheckOrdinals(shard, seen);
    return std::move(report_);
  }

 private:
  struct Seen {
    uint64_t low_water = 0;
    uint64_t next_ordinal = 0;  // the snapshot's, if it is larger than what was seen
    std::vector<uint64_t> ordinals;
  };

  void Find(std::string where, std::string what, bool harmful) {
    report_.findings.push_back({std::move(where), std::move(what), harmful});
  }

  void CollectMetadata(const LaneLog& log) {
    if (log.snapshot) {
      for (const MetaRecord& record : log.snapshot->records) {
        if (record.kind == MetaKind::kSnapshotCatalog) {
          const auto entry = ParseSnapshotCatalog(record.payload);
          if (entry.ok()) NoteStream(entry->key, entry->value);
        } else if (record.kind == MetaKind::kSnapshotShard) {
          const auto state = DecodeShardState(record.payload);
          if (!state.ok()) continue;
          Seen& seen = shards_[state->shard];
          seen.low_water = std::max(seen.low_water, state->low_water);
          seen.next_ordinal = std::max(seen.next_ordinal, state->next_ordinal);
        }
      }
    }
    for (const auto& [lsn, record] : log.meta) {
      if (log.snapshot && lsn <= log.snapshot->as_of) continue;
      if (record.kind == MetaKind::kLowWater) {
        const auto mark = ParseLowWater(record.payload);
        if (mark.ok())
          shards_[mark->shard].low_water = std::max(shards_[mark->shard].low_water, mark->ordinal);
      } else if (record.kind == MetaKind::kCatalogTxn) {
        const auto command = ParseCatalogCommand(record.payload);
        if (!command.ok()) continue;
        for (const auto& write : command->writes) {
          if (write.present) NoteStream(write.key, write.value);
          if (write.present) continue;
          live_.erase(write.key);
          unreadable_.erase(write.key);
        }
      }
    }
  }

  void NoteStream(const std::string& key, ByteSpan value) {
    if (!key.starts_with(CatalogImpl::kStreamPrefix)) return;
    const auto row = DecodeStreamRow(key, value);
    unreadable_.erase(key);
    if (!row.ok()) {
      unreadable_[key] = row.error().ToString();
    } else if (row->second >= lanes_) {
      unreadable_[key] = fmt::format("lane {} is not there", row->second);
    } else {
      live_[key] = row->first.shard;
    }
  }

  Status ReadItems(const LaneLog& log) {
    std::map<SegmentSeq, std::shared_ptr<Segment>> segments;
    for (const ScannedSegment& scanned : log.segments)
      segments[scanned.segment->header().sequence] = scanned.segment;
    return VisitItems(log, 0, [&](Lsn, StoredItem item) -> Status {
      Segment& segment = *segments.at(item.segment);
      PS_TRY(const std::shared_ptr<DiskFile> file, segment.File());
      DiskSource source(*file, segment.bytes());
      const Status whole = VerifyItemBytes(source, item.record);
      if (!whole.ok()) {
        const uint64_t at = item.record.extents.empty() ? item.record.meta_offset
                                                        : item.record.extents.front().offset;
        Find(fmt::format("{}:{}", segment.path().string(), at), whole.error().message(), true);
      }
      if (item.record.is_track_set()) return {};
      ++report_.items;
      report_.body_bytes += item.record.header.body_bytes;
      shards_[item.record.shard].ordinals.push_back(item.record.header.ordinal);
      return {};
    });
  }

  // Ordinals of a stream that is stored are dense; a hole means a segment is gone. (A stream that
  // was live only for a while has holes, too: nothing of it was promised to stay.)
  void CheckOrdinals(const ShardId& shard, Seen seen) {
    const auto live = std::find_if(live_.begin(), live_.end(),
                                   [&](const auto& entry) { return entry.second == shard; });
    if (live == live_.end()) return;
    std::sort(seen.ordinals.begin(), seen.ordinals.end());
    uint64_t next = seen.low_water;
    for (const uint64_t ordinal : seen.ordinals) {
      if (ordinal < seen.low_water) continue;
      if (ordinal < next)
        Find(live->first, fmt::format("ordinal {} is there twice", ordinal), true);
      if (ordinal > next)
        Find(live->first, fmt::format("ordinals {} to {} are not there", next, ordinal - 1), false);
      next = ordinal + 1;
    }
    if (seen.next_ordinal > next) {
      Find(live->first, fmt::format("ordinals {} to {} are not there", next, seen.next_ordinal - 1),
           false);
    }
  }

  const std::filesystem::path directory_;
  Disk& disk_;
  CheckReport report_;
  std::map<ShardId, Seen> shards_;
  std::map<std::string, ShardId> live_;            // by catalog key
  std::map<std::string, std::string> unreadable_;  // why, by catalog key
  uint32_t lanes_ = 0;
};

}  // namespace

Result<CheckReport> Store::Check(std::filesystem::path directory, Disk& disk) {
  return Checker(std::move(directory), disk).Run();
}

}  // namespace penstock::store
