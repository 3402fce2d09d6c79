// What the store does by itself: snapshots of metadata, retention, space, spares. On its background
// thread.
#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "store/metrics.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

constexpr int64_t kHourMs = 3'600'000;
// A segment that could not go yet is looked at again after this long.
constexpr int64_t kLookAgainMs = 60'000;
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

// Oldest first, over all lanes and streams: by when the newest item of a segment was received. What
// was received in the future was so by a clock that was wrong; it goes last.
Status StoreImpl::MakeRoom() {
  const uint64_t free = volume_free_bytes_.load();
  if (free >= options_.min_free_bytes) return {};
  struct Candidate {
    size_t lane;
    std::shared_ptr<Segment> segment;
  };
  std::vector<Candidate> candidates;
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    if (lanes_[lane]->lane->read_only()) continue;
    for (const auto& segment : lanes_[lane]->lane->segments().All()) {
      if (segment->header().retention_class != kMetaClass && segment->sealed())
        candidates.push_back({lane, segment});
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.segment->server_ms_max() < b.segment->server_ms_max();
  });
  uint64_t wanted = options_.min_free_bytes - free;
  std::map<size_t, Segments> oldest;
  for (const Candidate& candidate : candidates) {
    if (wanted == 0) break;
    oldest[candidate.lane].push_back(candidate.segment);
    wanted -= std::min(wanted, candidate.segment->bytes());
  }
  Status result;
  for (const auto& [lane, segments] : oldest) {
    Status removed = RemoveOldest(*lanes_[lane], segments);
    if (!removed.ok() && result.ok()) result = std::move(removed);
  }
  RefreshSpace();
  return result;
}

// As RemoveExpired: marks first, then the files. Of a shard everything up to the last of its items
// in these segments is hidden.
Status StoreImpl::RemoveOldest(LaneState& state, const Segments& oldest) {
  Segments removed;
  std::map<ShardId, uint64_t> marks;
  uint64_t bytes = 0;
  int64_t newest_ms = 0;
  for (const auto& segment : oldest) {
    PS_TRY(const std::shared_ptr<DiskFile> file, segment->File());
    DiskSource source(*file, segment->bytes());
    const auto footer = ReadFooter(source, segment->header());
    if (!footer.ok()) continue;  // Damaged: kept for `store check`.
    bool may_go = true;
    std::map<ShardId, uint64_t> needed;
    for (const FooterShard& summary : footer->shards) {
      const auto shard = FindShard(summary.shard);
      if (shard) {
        // An item that is still being filled holds back what comes after it.
        may_go = may_go && summary.ordinal_max < shard->GetStatus().next_ordinal;
        needed[summary.shard] = summary.ordinal_max + 1;
      } else {  // deleted, if every stream can be read
        const std::lock_guard lock(streams_mutex_);
        may_go = may_go && unreadable_.empty();
      }
    }
    if (!may_go) continue;
    for (const auto& [shard, mark] : needed) marks[shard] = std::max(marks[shard], mark);
    removed.push_back(segment);
    bytes += segment->bytes();
    newest_ms = std::max(newest_ms, segment->server_ms_max());
  }
  if (removed.empty()) return {};
  std::vector<MetaRecord> records;
  for (const auto& [shard, mark] : marks) records.push_back(MakeLowWaterRecord(shard, mark));
  std::vector<SegmentSeq> sequences;
  for (const auto& segment : removed) sequences.push_back(segment->header().sequence);
  records.push_back(MakeSegmentsRemovedRecord(sequences));
  PS_TRY_VOID(SubmitAndWait(*state.lane, std::move(records)));
  PS_TRY_VOID(state.lane->RemoveSegments(removed));
  StoreMetrics::Get().made_room.Add(bytes);
  log::Write(log::kWarning, "the oldest media made room before its time",
             {{"bytes", bytes}, {"received_until", FormatRfc3339(ServerTimeFromMs(newest_ms))}});
  return {};
}

// 1. Segments of which every item is hidden are found by their footers.
// 2. The marks that hide them become durable, and that they need not be there any more (recovery: a
// segment without visible items, registered and found again here).
// 3. They are unlinked.
Status StoreImpl::RemoveExpired(LaneState& state, ServerTime now) {
  const int64_t now_ms = ToMs(now);
  std::vector<std::shared_ptr<Segment>> expired;
  std::map<ShardId, uint64_t> marks;
  for (const auto& segment : state.lane->segments().All()) {
    const SegmentHeader& header = segment->header();
    if (header.retention_class == kMetaClass || !segment->sealed()) continue;
    const int64_t expiry_ms = segment->server_ms_max() + int64_t{header.retention_class} * kHourMs;
    // In the future: a clock that was wrong then. The marks know better.
    const bool due = expiry_ms <= now_ms || segment->server_ms_max() > now_ms;
    if (!due || segment->next_look_ms > now_ms) continue;
    PS_TRY(const bool gone, IsWhollyHidden(*segment, marks));
    if (gone) {
      expired.push_back(segment);
    } else {
      segment->next_look_ms = now_ms + kLookAgainMs;
    }
  }
  std::vector<SegmentSeq> removed = ExpiredLosses(state, now_ms);
  for (const auto& segment : expired) removed.push_back(segment->header().sequence);
  if (removed.empty()) return {};
  std::vector<MetaRecord> records;
  for (const auto& [shard, mark] : marks) records.push_back(MakeLowWaterRecord(shard, mark));
  records.push_back(MakeSegmentsRemovedRecord(removed));
  PS_TRY_VOID(SubmitAndWait(*state.lane, std::move(records)));
  return state.lane->RemoveSegments(expired);
}

// What was lost is reported for as long as anything in it could be kept: it was received before the
// loss was noticed, and its stream may be kept longer by now than when it was written.
std::vector<SegmentSeq> StoreImpl::ExpiredLosses(LaneState& state, int64_t now_ms) {
  std::vector<SegmentSeq> expired;
  std::vector<SegmentRecord> lost;
  {
    const std::lock_guard fold_lock(state.fold_mutex);
    for (const auto& [sequence, segment] : state.registered.segments()) {
      if (segment.lost_ms > 0) lost.push_back(segment);
    }
  }
  if (lost.empty()) return expired;
  uint32_t hours_max = 0;
  {
    const std::lock_guard lock(streams_mutex_);
    if (!unreadable_.empty()) return expired;
    for (const auto& [id, shard] : shards_) {
      if (lanes_[shard->lane()].get() == &state)
        hours_max = std::max(hours_max, shard->retention_hours());
    }
  }
  for (const SegmentRecord& segment : lost) {
    const int64_t hours = std::max(hours_max, segment.retention_class);
    if (segment.lost_ms + hours * kHourMs <= now_ms) expired.push_back(segment.sequence);
  }
  return expired;
}

// Adds the marks that must be durable before the segment goes.
Result<bool> StoreImpl::IsWhollyHidden(Segment& segment, std::map<ShardId, uint64_t>& marks) {
  PS_TRY(const std::shared_ptr<DiskFile> file, segment.File());
  DiskSource source(*file, segment.bytes());
  auto footer = ReadFooter(source, segment.header());
  if (!footer.ok()) return false;  // Damaged: kept for `store check`.
  std::map<ShardId, uint64_t> needed;
  for (const FooterShard& summary : footer->shards) {
    const auto shard = FindShard(summary.shard);
    if (!shard) {  // deleted, if every stream can be read
      const std::lock_guard lock(streams_mutex_);
      if (!unreadable_.empty()) return false;
      continue;
    }
    const uint64_t mark = shard->mark();
    if (mark <= summary.ordinal_max) return false;
    if (shard->durable_low_water() < mark) needed[summary.shard] = mark;
  }
  marks.merge(needed);
  return true;
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
