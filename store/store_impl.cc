#include "store/store_impl.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

namespace penstock::store {
namespace {

std::string StreamKey(const StreamName& name) {
  return std::string(CatalogImpl::kStreamPrefix) + name.text();
}

Error NoStream(const StreamName& name) {
  return Error(ErrorCode::kNotFound, fmt::format("no stream {}", name.text()));
}

}  // namespace

Bytes EncodeStreamRow(const StreamInfo& info, uint32_t lane) {
  Json row;
  row.Set("shard", info.shard.ToString());
  row.Set("lane", lane);
  row.Set("retention_hours", info.retention_hours);
  row.Set("created_ms", ToMs(info.created));
  if (info.max_bytes > 0) row.Set("max_bytes", info.max_bytes);
  return Bytes::From(row.Dump());
}

Result<std::pair<StreamInfo, uint32_t>> DecodeStreamRow(std::string_view key, ByteSpan value) {
  PS_TRY(StreamName name, StreamName::Parse(key.substr(CatalogImpl::kStreamPrefix.size())));
  PS_TRY(const Json row, Json::Parse(AsText(value)));
  PS_TRY(const ShardId shard, ShardId::Parse(row["shard"].AsString()));
  StreamInfo info{std::move(name), shard, static_cast<uint32_t>(row["retention_hours"].AsInt(24)),
                  ServerTimeFromMs(row["created_ms"].AsInt()), 0};
  info.max_bytes = static_cast<uint64_t>(std::max<int64_t>(row["max_bytes"].AsInt(), 0));
  return std::pair(std::move(info), static_cast<uint32_t>(row["lane"].AsInt()));
}

StoreImpl::StoreImpl(StoreOptions options, Disk& disk, Clock& clock)
    : options_(std::move(options)), disk_(disk), clock_(clock) {
  readers_ = std::make_unique<ThreadPool>(std::max<size_t>(options_.read_threads, 1), "store-read");
  background_ = std::make_unique<ThreadPool>(1, "store-back");
}

StoreImpl::~StoreImpl() { CloseNow(); }

std::shared_ptr<ShardImpl> StoreImpl::FindShard(const ShardId& id) const {
  const std::lock_guard lock(streams_mutex_);
  const auto found = shards_.find(id);
  return found == shards_.end() ? nullptr : found->second;
}

std::shared_ptr<Shard> StoreImpl::OpenShard(const ShardId& id) { return FindShard(id); }

Status StoreImpl::Fold(uint32_t lane, Lsn lsn, std::vector<FoldRecord> records) {
  LaneState& state = *lanes_[lane];
  const std::lock_guard lock(state.fold_mutex);
  IndexBatch rows;
  Touched touched;
  for (FoldRecord& record : records) {
    if (!record.record.is_item) {
      PS_TRY_VOID(state.registered.Fold(record.record.meta));
      PS_TRY_VOID(FoldMeta(record.record.meta, rows, touched));
      continue;
    }
    const ShardId id = record.record.item.shard;
    const auto shard = FindShard(id);
    if (!shard) continue;  // deleted meanwhile
    const StoredItem item{std::move(record.record.item), record.segment};
    if (item.record.copy) {
      PS_TRY_VOID(shard->FoldCopy(item, rows));
    } else {
      shard->FoldItem(item, rows);
    }
    touched[id] = shard;
  }
  for (const auto& [id, shard] : touched) {
    if (FindShard(id)) shard->PutState(rows);
  }
  rows.PutApplied(lane, lsn);
  state.folded = lsn;
  state.unindexed = std::move(rows);
  return PutInIndex(state);
}

Status StoreImpl::FoldAgain(uint32_t lane) {
  const std::lock_guard lock(lanes_[lane]->fold_mutex);
  return PutInIndex(*lanes_[lane]);
}

Status StoreImpl::PutInIndex(LaneState& state) {
  Status committed = index_->Commit(state.unindexed);
  if (committed.ok()) state.unindexed = IndexBatch();
  if (index_->waits_for_room()) SetIndexFull(true);
  return committed;
}

Status StoreImpl::FoldMeta(const MetaRecord& record, IndexBatch& rows, Touched& touched) {
  switch (record.kind) {
    case MetaKind::kCatalogTxn: {
      PS_TRY(const CatalogCommand command, ParseCatalogCommand(record.payload));
      catalog_.Fold(
          command, rows,
          [&](const std::string& key, const std::optional<Bytes>& value, uint64_t version) {
            if (key.starts_with(CatalogImpl::kStreamPrefix))
              FoldStreamRow(key, value, version, rows, &touched);
            if (key.starts_with(kHoldPrefix)) FoldHoldRow(key, value, rows);
          });
      return {};
    }
    case MetaKind::kLowWater: {
      PS_TRY(const LowWaterRecord mark, ParseLowWater(record.payload));
      const auto shard = FindShard(mark.shard);
      if (!shard) {
        const std::lock_guard lock(streams_mutex_);
        if (ShardState* const kept = KeptState(mark.shard)) kept->ApplyLowWater(mark.ordinal);
        return {};
      }
      touched[mark.shard] = shard;
      return shard->FoldLowWater(mark.ordinal, rows);
    }
    case MetaKind::kReservation:
    case MetaKind::kReservationEnd: {
      const bool ends = record.kind == MetaKind::kReservationEnd;
      PS_TRY(const ReservationRecord reservation, ParseReservation(record.payload));
      const auto shard = FindShard(reservation.shard);
      if (!shard) {
        const std::lock_guard lock(streams_mutex_);
        ShardState* const kept = KeptState(reservation.shard);
        if (kept == nullptr) return {};
        ends ? kept->ApplyReservationEnd(reservation.end) : kept->ApplyReservation(reservation.end);
        return {};
      }
      touched[reservation.shard] = shard;
      ends ? shard->FoldReservationEnd(reservation.end) : shard->FoldReservation(reservation.end);
      return {};
    }
    case MetaKind::kClaim:
    case MetaKind::kSnapshotBegin:
    case MetaKind::kSnapshotCatalog:
    case MetaKind::kSnapshotShard:
    case MetaKind::kSnapshotRequest:
    case MetaKind::kSnapshotEnd:
    case MetaKind::kSegment:
    case MetaKind::kSegmentsRemoved:
    case MetaKind::kSnapshotSegment:
      return {};  // says nothing that is not known here
  }
  return {};
}

void StoreImpl::FoldStreamRow(const std::string& key, const std::optional<Bytes>& value,
                              uint64_t version, IndexBatch& rows, Touched* touched) {
  std::shared_ptr<ShardImpl> gone;
  const char* why = "the stream was deleted";
  {
    const std::lock_guard lock(streams_mutex_);
    unreadable_.erase(key);
    if (!value.has_value()) {
      gone = ForgetStream(key, touched);
      if (gone) rows.EraseShard(gone->id());
    } else if (auto row = ReadStreamRow(key, *value); !row.ok()) {
      // As the next opening will find it.
      NoteUnreadable(key, row.error());
      rows.PutIncomplete(true);
      why = "the stream cannot be read from the catalog";
      gone = ForgetStream(key, touched);
      if (gone) kept_[gone->id()] = gone->CopyState();
    } else {
      row->info.version = version;
      const ShardId shard = row->info.shard;
      std::shared_ptr<ShardImpl>& known = shards_[shard];
      if (known) {
        known->FoldRetention(row->info.retention_hours, row->info.max_bytes);
      } else {
        ShardState state;
        if (auto kept = kept_.extract(shard)) state = std::move(kept.mapped());
        state.shard = shard;
        known = std::make_shared<ShardImpl>(lanes_[row->lane]->context, std::move(state),
                                            row->info.retention_hours, row->info.max_bytes);
        LoadHolds(*known, row->info.name);
        if (touched != nullptr) (*touched)[shard] = known;
      }
      const StreamName name = row->info.name;
      streams_.insert_or_assign(name, std::move(*row));
    }
  }
  if (gone) gone->Close(why);
}

std::shared_ptr<ShardImpl> StoreImpl::ForgetStream(const std::string& key, Touched* touched) {
  const auto name =
      StreamName::Parse(std::string_view(key).substr(CatalogImpl::kStreamPrefix.size()));
  const auto found = name.ok() ? streams_.find(*name) : streams_.end();
  if (found == streams_.end()) return nullptr;
  const auto shard = shards_.extract(found->second.info.shard);
  streams_.erase(found);
  if (touched != nullptr) touched->erase(shard.key());
  return shard.mapped();
}

Result<StoreImpl::StreamRow> StoreImpl::ReadStreamRow(const std::string& key,
                                                      ByteSpan value) const {
  PS_TRY(auto row, DecodeStreamRow(key, value));
  if (row.second >= lanes_.size())
    return Error(ErrorCode::kCorruption, fmt::format("lane {} is not there", row.second));
  return StreamRow{std::move(row.first), row.second};
}

void StoreImpl::NoteUnreadable(const std::string& key, const Error& error) {
  unreadable_.insert(key);
  log::Write(log::kError, "stream cannot be read from the catalog",
             {{"stream", key}, {"error", error.ToString()}});
}

ShardState* StoreImpl::KeptState(const ShardId& id) {
  if (unreadable_.empty()) return nullptr;
  ShardState& state = kept_[id];
  state.shard = id;
  return &state;
}

void StoreImpl::LaneFailed(uint32_t, const Error&) { read_only_.store(true); }

std::vector<StreamInfo> StoreImpl::ListStreams() const {
  const std::lock_guard lock(streams_mutex_);
  std::vector<StreamInfo> out;
  out.reserve(streams_.size());
  for (const auto& [name, row] : streams_) out.push_back(row.info);
  return out;
}

std::optional<StreamInfo> StoreImpl::GetStream(const StreamName& name) const {
  const std::lock_guard lock(streams_mutex_);
  const auto found = streams_.find(name);
  if (found == streams_.end()) return std::nullopt;
  return found->second.info;
}

// Any stable choice is right: it is stored with the stream and not computed again.
uint32_t StoreImpl::LaneFor(const ShardId& shard) const {
  return static_cast<uint32_t>(shard.Hash() % lanes_.size());
}

Task<Result<StreamInfo>> StoreImpl::CreateStream(StreamName name, uint32_t retention_hours) {
  if (retention_hours > limits::kRetentionHoursMax) {
    co_return Error(ErrorCode::kInvalidArgument,
                    fmt::format("retention: at most {} hours", limits::kRetentionHoursMax));
  }
  // The model allows these names, but no URL can: they are resolved away on the way to us.
  if (name.text() == "." || name.text() == "..") {
    co_return Error(ErrorCode::kInvalidArgument,
                    fmt::format("no URL could name a stream {}", name.text()));
  }
  if (GetStream(name))
    co_return Error(ErrorCode::kAlreadyExists, fmt::format("stream {} exists", name.text()));
  StreamInfo info{name, ShardId::Random(), retention_hours, clock_.Now(), 0};
  std::vector<Expect> expects;
  std::vector<CatalogWrite> writes;
  expects.push_back(Expect{StreamKey(name), 0});
  writes.push_back(CatalogWrite{StreamKey(name), EncodeStreamRow(info, LaneFor(info.shard))});
  const Status status =
      co_await catalog_.Submit(std::move(expects), std::move(writes), std::string());
  if (!status.ok() && status.error().code() == ErrorCode::kConflict) {
    co_return Error(ErrorCode::kAlreadyExists, fmt::format("stream {} exists", name.text()));
  }
  if (!status.ok()) co_return status.error();
  const auto made = GetStream(name);
  if (!made)
    co_return Error(ErrorCode::kConflict,
                    fmt::format("stream {} was deleted meanwhile", name.text()));
  co_return *made;
}

Task<Status> StoreImpl::DeleteStream(StreamName name) {
  const auto info = GetStream(name);
  if (!info) co_return NoStream(name);
  std::vector<Expect> expects;
  std::vector<CatalogWrite> writes;
  expects.push_back(Expect{StreamKey(name), info->version});
  writes.push_back(CatalogWrite{StreamKey(name), std::nullopt});
  const std::shared_ptr<ShardImpl> shard = FindShard(info->shard);
  if (!shard) co_return NoStream(name);
  if (const Status begun = shard->BeginDeleting(); !begun.ok())
    co_return Error(begun.error().code(), fmt::format("stream {} cannot be deleted: {}",
                                                      name.text(), begun.error().message()));
  Status status = co_await catalog_.Submit(std::move(expects), std::move(writes), std::string());
  if (!status.ok()) shard->EndDeleting();
  look_again_.store(true);
  co_return status;
}

Task<Result<StreamInfo>> StoreImpl::ChangeStream(StreamName name, StreamChange change,
                                                 uint64_t if_version) {
  if (change.retention_hours.value_or(0) > limits::kRetentionHoursMax) {
    co_return Error(ErrorCode::kInvalidArgument,
                    fmt::format("retention: at most {} hours", limits::kRetentionHoursMax));
  }
  auto info = GetStream(name);
  if (!info) co_return NoStream(name);
  if (if_version != 0 && info->version != if_version)
    co_return Error(ErrorCode::kConflict, "the stream has been changed meanwhile");
  info->retention_hours = change.retention_hours.value_or(info->retention_hours);
  info->max_bytes = change.max_bytes.value_or(info->max_bytes);
  co_return co_await RewriteStream(std::move(*info));
}

Task<Result<StreamInfo>> StoreImpl::RewriteStream(StreamInfo info) {
  uint32_t lane = 0;
  uint32_t hours_before = 0;
  {
    const std::lock_guard lock(streams_mutex_);
    const auto found = streams_.find(info.name);
    if (found == streams_.end()) co_return NoStream(info.name);
    lane = found->second.lane;
    hours_before = found->second.info.retention_hours;
  }
  {
    const std::shared_ptr<ShardImpl> shard = FindShard(info.shard);
    if (!shard) co_return NoStream(info.name);
    // What is hidden by now stays hidden under a longer retention, and after a restart. Ordinals of
    // which the log has nothing, because the stream was live only, are no holes to be filled.
    shard->Expire(clock_.Now());
    const bool begins = hours_before == 0 && info.retention_hours > 0;
    const uint64_t hidden = begins ? shard->GetStatus().next_ordinal : shard->mark();
    PS_CO_TRY_VOID(co_await shard->Trim(hidden));
  }
  std::vector<Expect> expects;
  std::vector<CatalogWrite> writes;
  expects.push_back(Expect{StreamKey(info.name), info.version});
  writes.push_back(CatalogWrite{StreamKey(info.name), EncodeStreamRow(info, lane)});
  const Status status =
      co_await catalog_.Submit(std::move(expects), std::move(writes), std::string());
  if (!status.ok()) co_return status.error();
  look_again_.store(true);
  auto made = GetStream(info.name);
  if (!made) co_return NoStream(info.name);
  co_return *made;
}

Store::Stats StoreImpl::GetStats() const {
  Stats stats;
  stats.holds = catalog_.Scan(kHoldPrefix, "", SIZE_MAX).size();
  stats.volume_bytes = volume_bytes_.load();
  stats.volume_free_bytes = volume_free_bytes_.load();
  const auto reserve =
      static_cast<uint64_t>((1 - options_.full_at) * static_cast<double>(stats.volume_bytes));
  const uint64_t kept_free = options_.min_free_bytes > 0 ? options_.min_free_bytes : reserve;
  stats.usable_free_bytes = stats.volume_free_bytes - std::min(stats.volume_free_bytes, kept_free);
  stats.read_only = read_only_.load();
  stats.full = full_.load() || index_full_.load();
  const Index::Memory index = index_->memory();
  stats.index_buffer_bytes = index.buffers;
  stats.index_cache_bytes = index.cache;
  {
    const std::lock_guard lock(streams_mutex_);
    stats.unreadable_streams = unreadable_.size();
    for (const auto& [id, shard] : shards_) {
      for (const HeldStretch& held : shard->GetStatus().held) stats.held_bytes += held.body_bytes;
    }
  }
  for (const auto& state : lanes_) {
    for (const auto& segment : state->lane->segments().All()) {
      ++stats.segment_files;
      stats.segment_bytes += segment->bytes();
    }
    stats.pending_items += state->lane->pending_items();
    stats.full = stats.full || state->lane->fold_waits();
  }
  return stats;
}

Task<void> StoreImpl::Close() {
  Oneshot<Unit> done;
  // Not one of the store's own threads: they end in it.
  std::thread([this, done] {
    CloseNow();
    done.Set(Unit());
  }).detach();
  co_await done;
}

// It is one thread, which takes work in order.
void StoreImpl::FinishBackground() {
  std::mutex mutex;
  std::condition_variable wake;
  bool finished = false;
  background_->Post([&] {
    const std::lock_guard lock(mutex);
    finished = true;
    wake.notify_all();
  });
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return finished; });
}

void StoreImpl::CloseNow() {
  if (closed_) return;
  closed_ = true;
  closing_.store(true);
  {
    const std::lock_guard lock(timer_mutex_);
    timer_stopping_ = true;
  }
  timer_wake_.notify_all();
  if (timer_.joinable()) timer_.join();
  std::vector<std::shared_ptr<ShardImpl>> shards;
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& [id, shard] : shards_) {
      if (lanes_[shard->lane()]->lane) shards.push_back(shard);
    }
  }
  if (index_) ResumeIndex();
  for (const auto& shard : shards) {
    shard->SubmitDeferred();
    shard->ReleaseReserved();
    // What is hidden stays hidden, wherever the clock stands at the next opening.
    if (shard->mark() <= shard->durable_low_water()) continue;
    Submission hidden;
    PendingRecord record;
    record.record = MakeLowWaterRecord(shard->id(), shard->mark());
    hidden.records.push_back(std::move(record));
    lanes_[shard->lane()]->lane->Submit(std::move(hidden));
  }
  // Appends that were submitted become durable and visible; then seals are queued behind what the
  // background still does.
  for (const auto& state : lanes_) {
    if (state->lane) state->lane->Stop();
  }
  for (const auto& shard : shards) shard->Close("the store is closed");
  FinishBackground();
  for (const auto& state : lanes_) state->context->gate.Close();
  if (index_) {
    const Status flushed = index_->Flush();
    if (!flushed.ok())
      log::Write(log::kError, "index is not flushed", {{"error", flushed.error().ToString()}});
    index_.reset();
  }
  folder_lock_.reset();
}

}  // namespace penstock::store
