// From a folder to a store that serves: recovery (docs/format.md §5, §6).
#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "store/metrics.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

constexpr std::string_view kFormatFile = "FORMAT";
constexpr std::string_view kFormatLine = "penstock store ";
constexpr size_t kFoldRows = 4096;
constexpr uint64_t kMiB = 1u << 20;

std::string FormatText(const Uuid& id) {
  std::string hex = ShardId::FromBytes(id).ToString();
  return fmt::format("{}{}\nid {}\n", kFormatLine, kFormatVersion, hex);
}

Result<Uuid> ParseFormat(std::string_view text) {
  const Error damaged(ErrorCode::kCorruption, "FORMAT: not a penstock store");
  if (!text.starts_with(kFormatLine)) return damaged;
  text.remove_prefix(kFormatLine.size());
  uint32_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc()) return damaged;
  if (version != kFormatVersion) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("the store has format {}; this program knows format {}", version,
                             kFormatVersion));
  }
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.starts_with("\nid ") || text.size() < 4 + 32) return damaged;
  PS_TRY(const ShardId id, ShardId::Parse(text.substr(4, 32)));
  return id.bytes();
}

// 1. Written and synced under another name (ignored and overwritten by the next opening).
// 2. Renamed, directory synced.
Status WriteFormat(Disk& disk, const std::filesystem::path& directory, const Uuid& id) {
  const std::filesystem::path temporary = directory / "FORMAT.new";
  const Status removed = disk.Unlink(temporary);
  if (!removed.ok() && removed.error().code() != ErrorCode::kNotFound) return removed;
  PS_TRY(const std::unique_ptr<DiskFile> file, disk.Open(temporary, Disk::Mode::kCreate, false));
  std::string text = FormatText(id);
  const iovec piece{text.data(), text.size()};
  PS_TRY_VOID(file->Write(0, std::span<const iovec>(&piece, 1)));
  PS_TRY_VOID(file->Sync());
  PS_TRY_VOID(disk.Rename(temporary, directory / kFormatFile));
  return disk.SyncDirectory(directory);
}

}  // namespace

Result<Uuid> ReadFormat(Disk& disk, const std::filesystem::path& directory) {
  PS_TRY(const std::unique_ptr<DiskFile> file,
         disk.Open(directory / kFormatFile, Disk::Mode::kRead, false));
  std::vector<uint8_t> text(4096);
  PS_TRY(const size_t bytes, file->Read(0, text));
  return ParseFormat(AsText(ByteSpan(text).first(bytes)));
}

Result<std::unique_ptr<Store>> Store::Open(StoreOptions options, Disk& disk, Clock& clock) {
  if (options.lanes < 1 || options.lanes > 64)
    return Error(ErrorCode::kInvalidArgument, "lanes: 1 to 64");
  auto store = std::make_unique<StoreImpl>(std::move(options), disk, clock);
  PS_TRY_VOID(store->Start());
  return std::unique_ptr<Store>(std::move(store));
}

Status StoreImpl::Start() {
  PS_TRY_VOID(PrepareFolder());
  PS_TRY(std::vector<LaneLog> logs, ScanLanes());
  PS_TRY(const std::filesystem::path index_directory, disk_.IndexDirectory(options_.directory));
  PS_TRY(index_, Index::Open(index_directory, id_, disk_.IndexEnvironment()));
  for (const LaneLog& log : logs) {
    auto state = std::make_unique<LaneState>();
    state->context = std::make_shared<ShardContext>();
    state->context->lane_number = log.lane;
    state->context->index = index_.get();
    state->context->readers = readers_.get();
    state->context->clock = &clock_;
    state->context->window_bytes = options_.window_bytes_per_stream > 0
                                       ? options_.window_bytes_per_stream
                                       : limits::kWindowBytesPerStreamMax;
    lanes_.push_back(std::move(state));
  }
  std::vector<Lsn> from;
  IndexBatch rows;
  rows.PutIncomplete(true);
  if (IsUsable(*index_, logs)) {
    for (const LaneLog& log : logs) from.push_back(index_->Applied(log.lane));
    PS_TRY_VOID(index_->Commit(rows));
    PS_TRY_VOID(LoadFromIndex());
  } else {
    PS_TRY_VOID(index_->Clear());
    from.assign(logs.size(), 0);
    PS_TRY_VOID(LoadFromSnapshots(logs, rows));
    PS_TRY_VOID(index_->Commit(rows));
    // What was cleared must not come back: by then the log may have grown past it.
    PS_TRY_VOID(index_->Flush());
  }
  PS_TRY_VOID(SyncAdopted(logs));
  PS_TRY_VOID(FoldLogs(logs, from));
  PS_TRY_VOID(LoadIslands());
  for (LaneLog& log : logs) PS_TRY_VOID(FinishLane(disk_, log));
  for (const auto& [id, shard] : shards_) shard->StartServing();
  PS_TRY_VOID(StartLanes(logs));
  PS_TRY_VOID(FillHoles(logs));
  StartTimer();
  return {};
}

// A process that was killed leaves batches that are whole and not durable. They are used, so they
// are made durable before the index or anyone else learns of them.
Status StoreImpl::SyncAdopted(const std::vector<LaneLog>& logs) {
  for (const LaneLog& log : logs) {
    for (const ScannedSegment& scanned : log.segments) {
      if (scanned.sealed) continue;
      PS_TRY(const std::unique_ptr<DiskFile> file,
             disk_.Open(scanned.segment->path(), Disk::Mode::kReadWrite, true));
      PS_TRY_VOID(file->Sync());
    }
  }
  return {};
}

Status StoreImpl::PrepareFolder() {
  PS_TRY_VOID(disk_.CreateDirectories(options_.directory));
  PS_TRY(folder_lock_, disk_.Lock(options_.directory / "lock"));
  auto id = ReadFormat(disk_, options_.directory);
  if (!id.ok() && id.error().code() == ErrorCode::kNotFound) {
    PS_TRY(const std::vector<std::string> names, disk_.List(options_.directory));
    for (const std::string& name : names) {
      if (ParseLaneDirectoryName(name)) {
        PS_TRY(const std::vector<std::string> inside, disk_.List(options_.directory / name));
        if (!inside.empty())
          return Error(ErrorCode::kCorruption, "there are lanes, but no FORMAT file");
      }
    }
    FillRandom(id_);
    PS_TRY_VOID(WriteFormat(disk_, options_.directory, id_));
    return {};
  }
  PS_TRY(id_, std::move(id));
  return {};
}

Result<std::vector<LaneLog>> StoreImpl::ScanLanes() {
  uint32_t lanes = static_cast<uint32_t>(options_.lanes);
  PS_TRY(const std::vector<std::string> names, disk_.List(options_.directory));
  for (const std::string& name : names) {
    const auto lane = ParseLaneDirectoryName(name);
    if (lane) lanes = std::max(lanes, *lane + 1);
  }
  std::vector<LaneLog> logs;
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const std::filesystem::path directory = options_.directory / LaneDirectoryName(lane);
    PS_TRY_VOID(disk_.CreateDirectories(directory));
    PS_TRY(LaneLog log, ScanLane(disk_, directory, lane, id_, false));
    logs.push_back(std::move(log));
  }
  PS_TRY_VOID(disk_.SyncDirectory(options_.directory));
  return logs;
}

bool IsUsable(const Index& index, const std::vector<LaneLog>& logs) {
  if (index.IsIncomplete()) return false;
  for (const LaneLog& log : logs) {
    const Lsn applied = index.Applied(log.lane);
    const Lsn snapshot = log.snapshot ? log.snapshot->as_of : 0;
    if (applied > log.end) return false;
    // Older than the newest snapshot: whether all metadata between the two is still there is not to
    // be told, since segments of it may have gone in any order.
    if (applied < snapshot) return false;
    // From nothing: a rebuild, which starts from the snapshots.
    if (applied == 0 && log.end > 0) return false;
  }
  return true;
}

Status StoreImpl::LoadFromIndex() {
  PS_TRY(std::vector<CatalogEntry> entries, index_->LoadCatalog());
  PS_TRY(std::vector<RequestOutcome> requests, index_->LoadRequests());
  PS_TRY(std::vector<ShardState> states, index_->LoadShards());
  catalog_.Load(std::move(entries), std::move(requests), index_->CatalogCounter());
  std::map<ShardId, ShardState> by_id;
  for (ShardState& state : states) {
    const ShardId id = state.shard;
    by_id[id] = std::move(state);
  }
  MakeShards(std::move(by_id));
  return {};
}

Status StoreImpl::LoadFromSnapshots(const std::vector<LaneLog>& logs, IndexBatch& rows) {
  PS_TRY_VOID(catalog_.LoadSnapshots(logs));
  std::map<ShardId, ShardState> states;
  for (const LaneLog& log : logs) {
    if (!log.snapshot) continue;
    for (const MetaRecord& record : log.snapshot->records) {
      if (record.kind != MetaKind::kSnapshotShard) continue;
      PS_TRY(ShardState state, DecodeShardState(record.payload));
      const ShardId id = state.shard;
      // A kept state is in every lane's snapshot; the newest hides most.
      const auto known = states.find(id);
      if (known != states.end() && state.low_water < known->second.low_water) continue;
      states[id] = std::move(state);
    }
  }
  catalog_.PutAll(rows);
  MakeShards(std::move(states));
  for (const auto& [id, shard] : shards_) shard->PutState(rows);
  return {};
}

// Streams are what the catalog says; states without a stream are of deleted ones, or of those that
// cannot be read.
void StoreImpl::MakeShards(std::map<ShardId, ShardState> states) {
  for (const CatalogEntry& entry : catalog_.Scan(CatalogImpl::kStreamPrefix, "", SIZE_MAX)) {
    auto row = ReadStreamRow(entry.key, entry.value);
    if (!row.ok()) {
      NoteUnreadable(entry.key, row.error());
      continue;
    }
    row->info.version = entry.version;
    const ShardId id = row->info.shard;
    ShardState state;
    if (auto known = states.extract(id)) state = std::move(known.mapped());
    state.shard = id;
    shards_[id] = std::make_shared<ShardImpl>(lanes_[row->lane]->context, std::move(state),
                                              row->info.retention_hours, row->info.max_bytes);
    LoadHolds(*shards_[id], row->info.name);
    const StreamName name = row->info.name;
    streams_.insert_or_assign(name, std::move(*row));
  }
  // Snapshots of lanes are of different moments: a state may be of a stream that the catalog's
  // snapshot does not know yet. Folding the catalog's log finds it.
  kept_ = std::move(states);
}

// The catalog first: a mark hides nothing that is held, though the hold's row may stand behind it.
Status StoreImpl::FoldMetadata(const std::vector<LaneLog>& logs, const std::vector<Lsn>& from,
                               Touched& touched) {
  for (const bool catalog : {true, false}) {
    for (size_t i = 0; i < logs.size(); ++i) {
      // A rebuild starts from the snapshot; an index that is newer than the snapshot, from itself.
      const Lsn base = from[i] == 0 && logs[i].snapshot ? logs[i].snapshot->as_of : from[i];
      for (const auto& [lsn, record] : logs[i].meta) {
        if (lsn <= base || (record.kind == MetaKind::kCatalogTxn) != catalog) continue;
        IndexBatch rows;
        PS_TRY_VOID(FoldMeta(record, rows, touched));
        PS_TRY_VOID(index_->Commit(rows));
      }
    }
  }
  return {};
}

// Metadata first, then items: which of an item and the mark that hides it, or the deletion of its
// stream, comes first does not matter to the result, and known marks save rows.
Status StoreImpl::FoldLogs(std::vector<LaneLog>& logs, const std::vector<Lsn>& from) {
  Touched touched;
  PS_TRY_VOID(FoldMetadata(logs, from, touched));
  IndexBatch rows;
  uint64_t batches = 0;
  std::vector<std::set<SegmentSeq>> copies(logs.size());
  for (size_t i = 0; i < logs.size(); ++i) {
    batches += logs[i].end - std::min(from[i], logs[i].end);
    PS_TRY_VOID(VisitItems(logs[i], from[i], [&](Lsn, StoredItem item) -> Status {
      if (item.record.copy) {
        copies[i].insert(item.segment);
        return {};
      }
      const ShardId id = item.record.shard;
      const auto shard = FindShard(id);
      if (!shard) return {};
      shard->FoldItem(item, rows);
      touched[id] = shard;
      if (rows.rows() < kFoldRows) return {};
      PS_TRY_VOID(index_->Commit(rows));
      rows = IndexBatch();
      return {};
    }));
  }
  PS_TRY_VOID(index_->Commit(rows));
  rows = IndexBatch();
  for (size_t i = 0; i < logs.size(); ++i) {
    LaneLog part;
    part.lane = logs[i].lane;
    part.end = logs[i].end;
    for (const ScannedSegment& scanned : logs[i].segments) {
      if (copies[i].contains(scanned.segment->header().sequence)) part.segments.push_back(scanned);
    }
    PS_TRY_VOID(FoldCopies(part, from[i], rows, touched));
  }
  for (const auto& [id, shard] : touched) {
    if (FindShard(id)) shard->PutState(rows);
  }
  // What is left is of deleted streams, or of those that cannot be read.
  if (unreadable_.empty()) kept_.clear();
  for (const LaneLog& log : logs) rows.PutApplied(log.lane, log.end);
  rows.PutIncomplete(!unreadable_.empty());
  StoreMetrics::Get().recovered.Add(batches);
  return index_->Commit(rows);
}

// Behind the items themselves, so that each is counted once: a segment of copies may be older than
// one whose items it took. Of several copies any will do.
Status StoreImpl::FoldCopies(LaneLog& log, Lsn from, IndexBatch& rows, Touched& touched) {
  std::set<std::pair<ShardId, uint64_t>> uncommitted;
  return VisitItems(log, from, [&](Lsn, StoredItem item) -> Status {
    if (!item.record.copy) return {};
    const ShardId id = item.record.shard;
    const auto shard = FindShard(id);
    if (!shard) return {};
    if (!uncommitted.emplace(id, item.record.header.ordinal).second || rows.rows() >= kFoldRows) {
      PS_TRY_VOID(index_->Commit(rows));
      rows = IndexBatch();
      uncommitted = {{id, item.record.header.ordinal}};
    }
    touched[id] = shard;
    return shard->FoldCopy(item, rows);
  });
}

// Segments of a program that registered none are taken in; what is missing gets the time of that.
void StoreImpl::RegisterSegments(const LaneLog& log, std::vector<MetaRecord>& records) const {
  for (const ScannedSegment& scanned : log.segments) {
    const SegmentHeader& header = scanned.segment->header();
    if (header.retention_class == kMetaClass || log.registered.Has(header.sequence)) continue;
    records.push_back(
        MakeSegmentRecord({header.sequence, header.retention_class, header.epoch, 0}));
  }
  for (SegmentRecord segment : log.missing) {
    log::Write(
        log::kError, "segment is missing",
        {{"segment", (log.directory / SegmentFileName({segment.sequence, segment.retention_class}))
                         .string()}});
    if (segment.lost_ms > 0) continue;
    segment.lost_ms = ToMs(clock_.Now());
    records.push_back(MakeSegmentRecord(segment));
  }
}

Status StoreImpl::StartLanes(const std::vector<LaneLog>& logs) {
  RefreshSpace();
  segment_bytes_ = options_.segment_bytes;
  if (segment_bytes_ == 0)
    segment_bytes_ = std::clamp<uint64_t>(volume_bytes_.load() / 500, 16 * kMiB, 1024 * kMiB);
  segment_bytes_ = AlignUp(segment_bytes_, kBlockBytes);
  for (const LaneLog& log : logs) {
    LaneOptions options;
    options.directory = log.directory;
    options.lane = log.lane;
    options.epoch = log.epoch + 1;
    options.next_lsn = log.end + 1;
    options.next_sequence = log.next_sequence;
    options.store = id_;
    options.segment_bytes = segment_bytes_;
    options.meta_segment_bytes =
        AlignUp(std::clamp<uint64_t>(segment_bytes_ / 32, 256 * 1024, 64 * kMiB), kBlockBytes);
    if (options_.segment_items > 0) options.segment_items = options_.segment_items;
    options.segment_span = options_.segment_span;
    if (options.epoch >= uint64_t{1} << 20)
      return Error(ErrorCode::kInternal, "the lane has used up its epochs");
    LaneState& state = *lanes_[log.lane];
    state.folded = log.end;
    state.registered = log.registered;
    state.lane = std::make_unique<Lane>(std::move(options), disk_, *this, *background_);
    state.context->lane = state.lane.get();
    for (const ScannedSegment& scanned : log.segments) state.lane->segments().Add(scanned.segment);
  }
  catalog_.SetLane(lanes_.front()->lane.get());
  for (const auto& state : lanes_) state->lane->Start();
  for (const LaneLog& log : logs) {
    const auto& state = lanes_[log.lane];
    std::vector<MetaRecord> claim;
    claim.push_back(MakeClaimRecord({state->lane->epoch(), ToMs(clock_.Now())}));
    RegisterSegments(log, claim);
    PS_TRY_VOID(SubmitAndWait(*state->lane, std::move(claim)));
    Lane* const lane = state->lane.get();
    background_->Post([lane] { lane->PrepareSpares(); });
  }
  return {};
}

}  // namespace penstock::store
