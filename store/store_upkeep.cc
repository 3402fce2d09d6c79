// What the store does by itself: snapshots of metadata, retention, space, spares. On its background
// thread. What it removes: store_removal.cc.
#include <algorithm>

#include "base/log.h"
#include "store/metrics.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

constexpr size_t kRecordsPerSubmission = 512;

}  // namespace

Status StoreImpl::SubmitAndWait(Lane& lane, std::vector<MetaRecord> records) {
  std::vector<Submission> submissions;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i % kRecordsPerSubmission == 0) submissions.emplace_back();
    PendingRecord record;
    record.record = std::move(records[i]);
    submissions.back().records.push_back(std::move(record));
  }
  return SubmitAndWait(lane, std::move(submissions));
}

// Who calls may be the one who makes the room that folds wait for.
Status StoreImpl::SubmitAndWait(Lane& lane, std::vector<Submission> submissions) {
  struct Waiting {
    std::mutex mutex;
    std::condition_variable wake;
    std::set<size_t> left;
    Status result;
    void End(size_t i, const Status& status) {
      const std::lock_guard lock(mutex);
      if (left.erase(i) == 0) return;
      if (!status.ok() && result.ok()) result = status;
      if (left.empty()) wake.notify_all();
    }
  };
  const auto waiting = std::make_shared<Waiting>();
  for (size_t i = 0; i < submissions.size(); ++i) waiting->left.insert(i);
  for (size_t i = 0; i < submissions.size(); ++i) {
    submissions[i].when_durable = [waiting, i] { waiting->End(i, Status()); };
    submissions[i].done = [waiting, i](const Status& status) { waiting->End(i, status); };
    lane.Submit(std::move(submissions[i]));
  }
  {
    std::unique_lock lock(waiting->mutex);
    waiting->wake.wait(lock, [&] { return waiting->left.empty(); });
    if (!waiting->result.ok()) return waiting->result;
  }
  lane.WaitForFold(lane.durable_lsn());
  if (lane.read_only()) return Error(ErrorCode::kFenced, "the log is read-only: reopen the store");
  return {};
}

void StoreImpl::MetaSegmentBegun(uint32_t lane, SegmentSeq sequence, Lsn first_lsn) {
  background_->Post(
      [this, lane, sequence, first_lsn] { WriteSnapshot(lane, sequence, first_lsn); });
}

// 1. Everything older than the new segment is folded (it may still have been in flight).
// 2. The state of one instant is appended to the log; it lies in this segment or later.
// 3. The index is flushed: it does not need the older segments any more either.
// 4. Meta segments before this one are unlinked.
// A crash before 4 finds the older segments, which carry the state as before. An index without room
// postpones it all.
void StoreImpl::WriteSnapshot(uint32_t lane_number, SegmentSeq sequence, Lsn first_lsn) {
  LaneState& state = *lanes_[lane_number];
  Lane& lane = *state.lane;
  const auto postpone = [&] {
    const std::lock_guard fold_lock(state.fold_mutex);
    state.snapshot_due.emplace(sequence, first_lsn);
  };
  lane.WaitForFold(first_lsn - 1);
  if (lane.read_only()) return;
  if (lane.fold_waits() || index_->waits_for_room()) return postpone();
  std::vector<MetaRecord> records;
  Lsn as_of = 0;
  uint64_t counter = 0;
  {
    const std::lock_guard fold_lock(state.fold_mutex);
    as_of = state.folded;
    if (lane_number == 0) records = catalog_.Snapshot(counter);
    for (const auto& [sequence, segment] : state.registered.segments())
      records.push_back(MakeSegmentRecord(segment, MetaKind::kSnapshotSegment));
    const auto add = [&](const ShardState& shard) {
      MetaRecord record;
      record.kind = MetaKind::kSnapshotShard;
      record.payload = EncodeShardState(shard, false);
      records.push_back(std::move(record));
    };
    const std::lock_guard lock(streams_mutex_);
    for (const auto& [id, shard] : shards_) {
      if (shard->lane() == lane_number) add(shard->CopyState());
    }
    // Nobody knows whose lane they are in.
    if (!unreadable_.empty()) {
      for (const auto& [id, kept] : kept_) add(kept);
    }
  }
  const size_t count = records.size();
  uint64_t bytes = 0;
  for (const MetaRecord& record : records) bytes += record.payload.size() + 64;
  // A snapshot must not fill the segment that it begins, or each would cause the next.
  lane.KeepMetaSegmentAbove(4 * bytes);
  records.insert(records.begin(), MakeSnapshotBegin({as_of, counter}));
  records.push_back(MakeSnapshotEnd({as_of, count}));
  Status status = SubmitAndWait(lane, std::move(records));
  if (status.ok()) {
    status = index_->Flush();
    if (!status.ok() && IsRefusal(status.error().code())) postpone();
  }
  if (status.ok()) status = RemoveOldMeta(lane, sequence);
  if (status.ok() || status.error().code() == ErrorCode::kClosed) return;
  // The older segments stay; the next snapshot tries again.
  log::Write(log::kWarning, "metadata snapshot is not finished",
             {{"lane", lane_number}, {"error", status.error().ToString()}});
}

Status StoreImpl::RemoveOldMeta(Lane& lane, SegmentSeq before) {
  std::vector<std::shared_ptr<Segment>> old;
  for (const auto& segment : lane.segments().All()) {
    const SegmentHeader& header = segment->header();
    if (header.retention_class == kMetaClass && header.sequence < before) old.push_back(segment);
  }
  return lane.RemoveSegments(old);
}

void StoreImpl::RefreshSpace() {
  const auto space = disk_.GetSpace(options_.directory);
  if (!space.ok()) return;  // As it was.
  volume_bytes_.store(space->total_bytes);
  volume_free_bytes_.store(space->free_bytes);
  const double used =
      static_cast<double>(space->total_bytes - std::min(space->free_bytes, space->total_bytes));
  // Where the oldest media makes room, it is given the chance before anything is refused.
  const bool full =
      used >= options_.full_at * static_cast<double>(space->total_bytes) &&
      (options_.min_free_bytes == 0 || space->free_bytes < options_.min_free_bytes / 2);
  if (full != full_.exchange(full)) {
    log::Write(full ? log::kError : log::kInfo,
               full ? "volume is full: nothing more is stored" : "volume has room again",
               {{"bytes", space->free_bytes}});
  }
  TellLanesFull();
}

void StoreImpl::TellLanesFull() {
  const bool full = full_.load() || index_full_.load();
  for (const auto& state : lanes_) state->context->full.store(full);
}

void StoreImpl::SetIndexFull(bool full) {
  if (full != index_full_.exchange(full)) {
    log::Write(full ? log::kError : log::kInfo,
               full ? "there is no room for the index: nothing more is stored"
                    : "there is room for the index again");
    StoreMetrics::Get().index_full.Set(full ? 1 : 0);
  }
  TellLanesFull();
}

// If the index found no room: whether there is some by now, and then everything that waited for it.
void StoreImpl::ResumeIndex() {
  if (index_->waits_for_room()) index_->LookForRoom();
  bool waits = false;
  for (const auto& state : lanes_) {
    if (!state->lane) continue;
    state->lane->FoldWaiting();
    waits = waits || state->lane->fold_waits();
  }
  waits = waits || index_->waits_for_room();
  SetIndexFull(waits);
  if (waits) return;
  for (uint32_t lane = 0; lane < lanes_.size(); ++lane) {
    const std::lock_guard fold_lock(lanes_[lane]->fold_mutex);
    const auto due = std::exchange(lanes_[lane]->snapshot_due, std::nullopt);
    if (due) MetaSegmentBegun(lane, due->first, due->second);
  }
}

Status StoreImpl::RunRetention(ServerTime now) {
  if (closing_.load()) return Error(ErrorCode::kClosed, "the store is closed");
  RefreshSpace();
  std::vector<std::shared_ptr<ShardImpl>> shards;
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& [id, shard] : shards_) shards.push_back(shard);
  }
  for (const auto& shard : shards) {
    shard->SubmitDeferred();
    shard->Expire(now);
  }
  LookAgainAtAll();
  Status result;
  for (const auto& state : lanes_) {
    if (state->lane->read_only()) continue;
    state->lane->CloseOldSegments(ToMs(now));
    // What room there is, the index needs.
    if (!index_full_.load()) state->lane->PrepareSpares();
    Status removed = RemoveExpired(*state, now);
    if (!removed.ok() && result.ok()) result = std::move(removed);
  }
  RefreshSpace();
  Status room = MakeRoom();
  if (!room.ok() && result.ok()) result = std::move(room);
  Status cleaned = Clean(now);
  if (!cleaned.ok() && result.ok()) result = std::move(cleaned);
  ResumeIndex();
  return result;
}

Task<Status> StoreImpl::EnforceRetention() {
  const ServerTime now = clock_.Now();
  const auto run = [this, now] { return RunRetention(now); };
  Status status = co_await RunBlocking(*background_, run);
  co_return status;
}

void StoreImpl::StartTimer() {
  if (options_.retention_interval.count() <= 0) return;
  timer_ = std::thread([this] {
    std::unique_lock lock(timer_mutex_);
    while (!timer_wake_.wait_for(lock, options_.retention_interval,
                                 [this] { return timer_stopping_; })) {
      if (retention_queued_.exchange(true)) continue;  // the last one still waits behind a seal
      background_->Post([this] {
        retention_queued_.store(false);
        const Status status = RunRetention(clock_.Now());
        if (!status.ok()) {
          log::Write(log::kWarning, "retention is not finished",
                     {{"error", status.error().ToString()}});
        }
      });
    }
  });
}

}  // namespace penstock::store
