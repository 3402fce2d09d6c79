// What the store does by itself: snapshots of metadata, retention, space, spares. On its background
// thread. What it removes: store_removal.cc.
#include <algorithm>

#include "base/log.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

constexpr size_t kRecordsPerSubmission = 512;

}  // namespace

Status StoreImpl::SubmitAndWait(Lane& lane, std::vector<MetaRecord> records) {
  std::mutex mutex;
  std::condition_variable wake;
  size_t left = 0;
  Status result;
  for (size_t at = 0; at < records.size(); at += kRecordsPerSubmission) {
    Submission submission;
    for (size_t i = at; i < std::min(records.size(), at + kRecordsPerSubmission); ++i) {
      PendingRecord record;
      record.record = std::move(records[i]);
      submission.records.push_back(std::move(record));
    }
    submission.done = [&](Status status) {
      const std::lock_guard lock(mutex);
      if (!status.ok() && result.ok()) result = std::move(status);
      if (--left == 0) wake.notify_all();
    };
    {
      const std::lock_guard lock(mutex);
      ++left;
    }
    lane.Submit(std::move(submission));
  }
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return left == 0; });
  return result;
}

void StoreImpl::MetaSegmentBegun(uint32_t lane, SegmentSeq sequence, Lsn first_lsn) {
  background_->Post(
      [this, lane, sequence, first_lsn] { WriteSnapshot(lane, sequence, first_lsn); });
}

// 1. Everything older than the new segment is folded (it may still have been in flight).
// 2. The state of one instant is appended to the log; it lies in this segment or later.
// 3. The index is flushed: it does not need the older segments any more either.
// 4. Meta segments before this one are unlinked.
// A crash before 4 finds the older segments, which carry the state as before.
void StoreImpl::WriteSnapshot(uint32_t lane_number, SegmentSeq sequence, Lsn first_lsn) {
  LaneState& state = *lanes_[lane_number];
  Lane& lane = *state.lane;
  lane.WaitForDurable(first_lsn - 1);
  if (lane.read_only()) return;
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
  if (status.ok()) status = index_->Flush();
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
  for (const auto& state : lanes_) state->context->full.store(full);
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
  Status result;
  for (const auto& state : lanes_) {
    if (state->lane->read_only()) continue;
    state->lane->CloseOldSegments(ToMs(now));
    state->lane->PrepareSpares();
    Status removed = RemoveExpired(*state, now);
    if (!removed.ok() && result.ok()) result = std::move(removed);
  }
  RefreshSpace();
  Status room = MakeRoom();
  if (!room.ok() && result.ok()) result = std::move(room);
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
