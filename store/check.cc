// `store check`: every byte read, nothing changed.
#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "store/check_index.h"
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
    for (const LaneLog& log : logs) by_lane_[log.lane] = &log;
    OpenIndex(logs, id);
    for (LaneLog& log : logs) {
      report_.segments += log.segments.size();
      report_.findings.insert(report_.findings.end(), log.findings.begin(), log.findings.end());
      NoteMissing(log);
      if (log.voided > 0) {
        Find(log.directory.string(),
             fmt::format("{} batches after the last acknowledged one are void", log.voided), false);
      }
      CollectMetadata(log);
      PS_TRY_VOID(ReadItems(log));
    }
    for (const auto& [key, why] : unreadable_)
      Find(key, fmt::format("the stream cannot be read from the catalog: {}", why), true);
    for (const auto& [key, row] : live_) CheckOrdinals(key, row.first, row.second);
    CompareIndex();
    return std::move(report_);
  }

 private:
  struct Seen {
    uint64_t low_water = 0;
    uint64_t next_ordinal = 0;  // the snapshot's, if it is larger than what was seen
    struct Item {
      uint64_t index = 0;  // of its number
      int64_t server_ms = 0;
      bool copy = false;
      uint64_t ordinal() const { return OrdinalOfIndex(index); }
      uint64_t epoch() const { return EpochOfIndex(index); }
    };
    std::vector<Item> items;
  };

  void Find(std::string where, std::string what, bool harmful) {
    report_.findings.push_back({std::move(where), std::move(what), harmful});
  }

  void CollectMetadata(const LaneLog& log) {
    if (log.snapshot) {
      for (const MetaRecord& record : log.snapshot->records) {
        if (record.kind == MetaKind::kSnapshotCatalog) {
          const auto entry = ParseSnapshotCatalog(record.payload);
          if (entry.ok()) NoteEntry(entry->key, entry->value);
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
          if (write.present) NoteEntry(write.key, write.value);
          if (write.present) continue;
          holds_.erase(write.key);
          live_.erase(write.key);
          unreadable_.erase(write.key);
        }
      }
    }
  }

  void NoteEntry(const std::string& key, ByteSpan value) {
    NoteStream(key, value);
    if (!key.starts_with(kHoldPrefix)) return;
    auto hold = DecodeHold(key, value);
    if (hold.ok()) {
      holds_.insert_or_assign(key, std::move(*hold));
    } else {
      Find(key, fmt::format("the hold cannot be read: {}", hold.error().ToString()), true);
    }
  }

  bool IsHeld(const ItemRecord& item) const {
    return std::any_of(holds_.begin(), holds_.end(), [&](const auto& hold) {
      return hold.second.shard == item.shard && hold.second.Covers(item.header);
    });
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
      live_.insert_or_assign(key, std::move(*row));
    }
  }

  // One that the next opening builds anew anyhow is not compared, nor is one with a damaged log.
  void OpenIndex(const std::vector<LaneLog>& logs, const Uuid& id) {
    for (const LaneLog& log : logs) {
      const bool harmed = std::any_of(log.findings.begin(), log.findings.end(),
                                      [](const auto& finding) { return finding.harmful; });
      if (harmed || !log.missing.empty()) return;
    }
    const auto directory = disk_.IndexDirectory(directory_);
    if (!directory.ok()) return;
    auto opened = Index::OpenForReading(*directory, disk_.IndexEnvironment());
    if (!opened.ok()) return;
    index_ = std::move(*opened);
    const auto store = index_->StoreId();
    if (!store.ok() || *store != AsText(id) || !IsUsable(*index_, logs)) return;
    comparison_.emplace(*index_, logs);
  }

  void CompareIndex() {
    if (!comparison_) return;
    const auto differs = [&](const std::string& where) {
      return [this, where](std::string what) {
        Find(where, std::move(what), true);
        report_.index_differs = true;
      };
    };
    const auto note = [&](const std::string& where, const Status& compared) {
      if (!compared.ok()) differs(where)(compared.error().ToString());
    };
    note("index", comparison_->CompareCatalog(differs("index")));
    for (const auto& [key, row] : live_) {
      const ShardId& shard = row.first.shard;
      note(key,
           comparison_->CompareShard(shard, row.second, shards_[shard].low_water, differs(key)));
    }
  }

  Status ReadItems(LaneLog& log) {
    std::map<SegmentSeq, std::shared_ptr<Segment>> segments;
    for (const ScannedSegment& scanned : log.segments)
      segments[scanned.segment->header().sequence] = scanned.segment;
    return VisitItems(log, 0, [&](Lsn lsn, StoredItem item) -> Status {
      const ItemHeader& header = item.record.header;
      const bool passed =
          !item.record.is_track_set() && header.ordinal < shards_[item.record.shard].low_water;
      const bool held = passed && IsHeld(item.record);
      if (comparison_ && (held || !passed)) comparison_->See(log.lane, lsn, item, held);
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
      const FragmentNumber& number = item.record.header.number;
      shards_[item.record.shard].items.push_back(
          {number.index, number.server_ms, item.record.copy});
      return {};
    });
  }

  void NoteMissing(const LaneLog& log) {
    for (const SegmentRecord& segment : log.missing) {
      const std::string name = SegmentFileName({segment.sequence, segment.retention_class});
      Find((log.directory / name).string(), "the segment is not there, and nothing removed it",
           true);
    }
  }

  // Ordinals of a stream that is stored are dense, but for slots that were open at a crash until
  // the next opening. Of a stream that is live only nothing was promised to stay.
  void CheckOrdinals(const std::string& key, const StreamInfo& info, uint32_t lane) {
    Seen& seen = shards_[info.shard];
    std::sort(seen.items.begin(), seen.items.end(), [](const Seen::Item& a, const Seen::Item& b) {
      return std::pair(a.ordinal(), a.copy) < std::pair(b.ordinal(), b.copy);
    });
    std::optional<Seen::Item> before;
    uint64_t next = seen.low_water;
    for (const Seen::Item& item : seen.items) {
      const uint64_t ordinal = item.ordinal();
      // A cleaner has not removed yet where it took it from.
      if (item.copy && before && before->index == item.index) continue;
      if (ordinal >= seen.low_water) {
        if (ordinal < next) Find(key, fmt::format("ordinal {} is there twice", ordinal), true);
        if (ordinal > next && info.retention_hours > 0)
          NoteHole(key, lane, next, ordinal, before, item);
        next = ordinal + 1;
      }
      before = item;
    }
    if (seen.next_ordinal > next && info.retention_hours > 0)
      NoteHole(key, lane, next, seen.next_ordinal, before, std::nullopt);
  }

  void NoteHole(const std::string& key, uint32_t lane, uint64_t from, uint64_t end,
                const std::optional<Seen::Item>& before, const std::optional<Seen::Item>& behind) {
    const LaneLog* const log = by_lane_.contains(lane) ? by_lane_.at(lane) : nullptr;
    // Metadata counts only items that were in the log: a slot that a crash left open has one
    // behind.
    bool lost = log == nullptr || !behind.has_value();
    if (!lost) {
      lost = MayHoldItemsOf(log->missing, before ? before->epoch() : 0) ||
             std::any_of(log->findings.begin(), log->findings.end(),
                         [](const auto& finding) { return finding.harmful; });
    }
    const auto time = [](const std::optional<Seen::Item>& item) {
      return item ? FormatRfc3339(ServerTimeFromMs(item->server_ms)) : std::string("unknown times");
    };
    Find(key,
         fmt::format("ordinals {} to {}, between {} and {}, {}", from, end - 1, time(before),
                     time(behind),
                     lost ? "are lost" : "were open at a crash: the next start ends them"),
         lost);
  }

  const std::filesystem::path directory_;
  Disk& disk_;
  CheckReport report_;
  std::map<ShardId, Seen> shards_;
  std::map<std::string, std::pair<StreamInfo, uint32_t>> live_;  // with its lane, by catalog key
  std::map<std::string, std::string> unreadable_;                // why, by catalog key
  std::map<std::string, HoldEntry> holds_;                       // by catalog key
  std::map<uint32_t, const LaneLog*> by_lane_;
  uint32_t lanes_ = 0;
  std::unique_ptr<Index> index_;
  std::optional<IndexCheck> comparison_;
};

}  // namespace

Result<CheckReport> Store::Check(std::filesystem::path directory, Disk& disk) {
  return Checker(std::move(directory), disk).Run();
}

}  // namespace penstock::store
