#include "store/log/lane.h"

#include <algorithm>

#include <fmt/format.h>
#include <pthread.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/metrics.h"

namespace penstock::store {
namespace {

// A part's head grows by the track sets it must repeat; those of one item are counted with it.
uint64_t BytesMax(const Submission& submission) {
  uint64_t bytes = 0;
  for (const PendingRecord& record : submission.records) {
    bytes += record.BytesMax();
    if (record.track_set) {
      const TrackSetUse& use = *record.track_set;
      bytes += kItemFixedBytes + 16 + use.record.body_crcs.size() * 4 + use.meta.size() + 8 +
               AlignUp(use.body.size(), kBlockBytes);
    }
  }
  return bytes;
}

int64_t ServerMs(const Submission& submission) {
  int64_t ms = 0;
  for (const PendingRecord& record : submission.records) {
    if (record.is_item) ms = std::max(ms, record.item.header.number.server_ms);
  }
  return ms;
}

}  // namespace

struct Lane::Batch {
  Lsn lsn = 0;
  std::vector<Submission> submissions;
  std::vector<std::unique_ptr<PartBuilder>> parts;
  bool taken = false;  // by the listener, whose fold has not ended
};

Lane::Lane(LaneOptions options, Disk& disk, LaneListener& listener, ThreadPool& background)
    : options_(std::move(options)),
      disk_(disk),
      listener_(listener),
      background_(background),
      durable_lsn_(options_.next_lsn - 1),
      next_lsn_(options_.next_lsn),
      next_sequence_(options_.next_sequence),
      meta_segment_bytes_(options_.meta_segment_bytes),
      published_(options_.next_lsn - 1),
      folded_(options_.next_lsn - 1),
      sync_helpers_(limits::kBatchesInFlightMax, "store-sync") {}

Lane::~Lane() { Stop(); }

void Lane::Start() {
  for (int i = 0; i < limits::kBatchesInFlightMax; ++i) {
    committers_.emplace_back([this] { CommitLoop(); });
    pthread_setname_np(committers_.back().native_handle(), "store-commit");
  }
}

void Lane::Submit(Submission submission) {
  submission.submitted = std::chrono::steady_clock::now();
  submission.bytes = BytesMax(submission);
  pending_items_ += submission.records.size();
  pending_bytes_ += submission.bytes;
  StoreMetrics::Get().pending_items.Add(static_cast<int64_t>(submission.records.size()));
  StoreMetrics::Get().pending_bytes.Add(static_cast<int64_t>(submission.bytes));
  {
    const std::lock_guard lock(queue_mutex_);
    if (!stopping_ && !read_only()) {
      if (submission.urgent) {
        queue_.push_front(std::move(submission));
      } else {
        queue_.push_back(std::move(submission));
      }
      queue_wake_.notify_one();
      return;
    }
  }
  Finish(submission, read_only()
                         ? Error(ErrorCode::kFenced, "the log is read-only: reopen the store")
                         : Error(ErrorCode::kClosed, "the store is closed"));
}

void Lane::Finish(Submission& submission, Status status) {
  pending_items_ -= submission.records.size();
  pending_bytes_ -= submission.bytes;
  StoreMetrics::Get().pending_items.Add(-static_cast<int64_t>(submission.records.size()));
  StoreMetrics::Get().pending_bytes.Add(-static_cast<int64_t>(submission.bytes));
  if (status.ok()) {
    StoreMetrics::Get().commits.Add(submission.records.size());
    StoreMetrics::Get().commit_seconds.Record(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - submission.submitted)
            .count());
  }
  if (submission.done) submission.done(std::move(status));
}

void Lane::Refuse(std::vector<Submission> submissions, const Error& error) {
  for (Submission& submission : submissions) Finish(submission, error);
}

std::vector<Submission> Lane::Take() {
  std::vector<Submission> taken;
  const std::lock_guard lock(queue_mutex_);
  size_t bytes = 0;
  size_t items = 0;
  while (!queue_.empty()) {
    const Submission& next = queue_.front();
    const bool fits = bytes + next.bytes <= limits::kBatchBytesMax &&
                      items + next.records.size() <= limits::kBatchItemsMax;
    if (!taken.empty() && !fits) break;
    bytes += next.bytes;
    items += next.records.size();
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  // What is left starts the other committer.
  if (!queue_.empty()) queue_wake_.notify_one();
  return taken;
}

void Lane::CommitLoop() {
  for (;;) {
    {
      std::unique_lock lock(queue_mutex_);
      queue_wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
    }
    std::unique_ptr<Batch> batch;
    {
      const std::lock_guard lock(plan_mutex_);
      std::vector<Submission> taken = Take();
      if (taken.empty()) continue;  // the other committer was quicker
      if (read_only()) {
        Refuse(std::move(taken),
               Error(ErrorCode::kFenced, "the log is read-only: reopen the store"));
        continue;
      }
      if (fold_waits()) taken = RefuseUnfoldable(std::move(taken));
      batch = Plan(std::move(taken));
    }
    if (!batch) continue;
    Status written = WriteParts(*batch);
    Publish(std::move(batch), std::move(written));
  }
}

// The submissions of one group, and the segment that takes them.
struct Lane::Place {
  Group group;
  std::vector<Submission> submissions;
  std::vector<PendingRecord> own;  // records of the lane itself
  std::shared_ptr<ActiveSegment> segment;
};

// An error has refused them.
Status Lane::FindPlace(Place& place) {
  uint64_t bytes = 4 * kBlockBytes;  // header and parts list, padding of the head
  int64_t server_ms = 0;
  for (const Submission& submission : place.submissions) {
    bytes += submission.bytes;
    server_ms = std::max(server_ms, ServerMs(submission));
  }
  for (const PendingRecord& record : place.own) bytes += record.BytesMax();
  auto segment = SegmentFor(place.group, bytes, server_ms);
  if (segment.ok()) {
    place.segment = std::move(*segment);
    return {};
  }
  // A full volume or a machine short of descriptors is a state that passes. Anything else would
  // leave ordinals that were promised without an end: as after a failed sync, the next opening
  // decides about them.
  if (!IsRefusal(segment.error().code())) Fail(segment.error());
  Refuse(std::move(place.submissions), segment.error());
  return segment.error();
}

// The batch that begins a segment of items registers it: acknowledged items => their segment is
// known to the metadata. Without room for that, what would begin a segment is refused.
void Lane::PlaceMeta(std::vector<Place>& places, std::vector<Submission> submissions) {
  const auto begins = [this](const Place& place) {
    return unregistered_.contains(place.segment->header().sequence);
  };
  Place meta;
  meta.submissions = std::move(submissions);
  for (const Place& place : places) {
    if (!begins(place)) continue;
    PendingRecord record;
    record.record = MakeSegmentRecord(unregistered_.at(place.segment->header().sequence));
    meta.own.push_back(std::move(record));
  }
  if (meta.submissions.empty() && meta.own.empty()) return;
  const Status found = FindPlace(meta);
  if (!found.ok()) {
    for (Place& place : places) {
      if (begins(place)) Refuse(std::move(place.submissions), found.error());
    }
    std::erase_if(places, begins);
    return;
  }
  for (const Place& place : places) unregistered_.erase(place.segment->header().sequence);
  places.insert(places.begin(), std::move(meta));
}

std::unique_ptr<Lane::Batch> Lane::Plan(std::vector<Submission> taken) {
  std::map<Group, std::vector<Submission>> by_group;
  for (Submission& submission : taken) {
    const Group group = PlaceFor({submission.copies, submission.retention_class});
    by_group[group].push_back(std::move(submission));
  }

  std::vector<Submission> meta = std::move(by_group[Group()]);
  by_group.erase(Group());
  std::vector<Place> places;
  for (auto& [group, submissions] : by_group) {
    Place place;
    place.group = group;
    place.submissions = std::move(submissions);
    if (FindPlace(place).ok()) places.push_back(std::move(place));
  }
  PlaceMeta(places, std::move(meta));

  auto batch = std::make_unique<Batch>();
  BatchHeader header;
  for (Place& place : places) {
    auto part = std::make_unique<PartBuilder>(place.segment);
    for (PendingRecord& record : place.own) part->Add(record);
    for (Submission& submission : place.submissions) {
      for (PendingRecord& record : submission.records) part->Add(record);
      batch->submissions.push_back(std::move(submission));
    }
    header.parts.push_back(place.segment->header().sequence);
    batch->parts.push_back(std::move(part));
  }
  if (batch->parts.empty()) return nullptr;

  batch->lsn = next_lsn_++;
  header.lsn = batch->lsn;
  header.durable_lsn = durable_lsn();
  header.epoch = options_.epoch;
  for (size_t i = 0; i < batch->parts.size(); ++i) {
    header.part_index = static_cast<uint16_t>(i);
    batch->parts[i]->Finish(header);
  }
  const std::lock_guard lock(turn_mutex_);
  for (const auto& part : batch->parts) ++part->segment()->unpublished;
  return batch;
}

Status Lane::WriteParts(Batch& batch) {
  const size_t others = batch.parts.size() - 1;
  std::mutex mutex;
  std::condition_variable wake;
  size_t left = others;
  Status result;
  const auto run = [&](PartBuilder& part) {
    Status written = part.Write();
    const std::lock_guard lock(mutex);
    if (!written.ok() && result.ok()) result = std::move(written);
  };
  for (size_t i = 1; i <= others; ++i) {
    sync_helpers_.Post([&, i] {
      run(*batch.parts[i]);
      const std::lock_guard lock(mutex);
      if (--left == 0) wake.notify_one();
    });
  }
  run(*batch.parts[0]);
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return left == 0; });
  return result;
}

void Lane::Publish(std::unique_ptr<Batch> batch, Status written) {
  if (!written.ok()) Fail(written.error());
  bool mine = false;
  {
    std::unique_lock lock(turn_mutex_);
    const auto my_turn = [&] { return published_ + 1 == batch->lsn && !folding_; };
    turn_wake_.wait(lock, [&] { return my_turn() || read_only(); });
    // What waits for a fold that can come no more ends with the lane.
    mine = written.ok() && my_turn() && (folded_ == published_ || !read_only());
    if (mine) {
      published_ = batch->lsn;
      folding_ = true;
    }
  }
  if (!mine) {
    // Durable or not: nobody was told, and the next opening decides.
    const Error error = written.ok() ? Error(ErrorCode::kFenced, "a batch before this one failed")
                                     : written.error();
    Refuse(std::move(batch->submissions), error);
    return;
  }
  for (const auto& part : batch->parts) StoreMetrics::Get().bytes.Add(part->bytes());
  StoreMetrics::Get().batches.Add();
  StoreMetrics::Get().parts.Add(batch->parts.size());
  durable_lsn_.store(batch->lsn, std::memory_order_release);
  for (const Submission& submission : batch->submissions) {
    if (submission.when_durable) submission.when_durable();
  }
  {
    const std::lock_guard lock(turn_mutex_);
    unfolded_.push_back(std::move(batch));
  }
  FoldInTurn();
}

// folding_ is the caller's, who is the only one here.
void Lane::FoldInTurn() {
  std::unique_lock lock(turn_mutex_);
  std::vector<std::shared_ptr<ActiveSegment>> to_seal;
  while (!unfolded_.empty()) {
    Batch& batch = *unfolded_.front();
    lock.unlock();
    Status folded;
    if (batch.taken) {
      folded = listener_.FoldAgain(options_.lane);
    } else {
      std::vector<FoldRecord> records;
      for (const auto& part : batch.parts) {
        for (Record& record : part->records())
          records.push_back({std::move(record), part->segment()->header().sequence});
      }
      batch.taken = true;
      folded = listener_.Fold(options_.lane, batch.lsn, std::move(records));
    }
    if (!folded.ok() && IsRefusal(folded.error().code())) {
      lock.lock();
      SetFoldWaits(true);
      break;
    }
    if (!folded.ok()) {
      Fail(folded.error());
      RefuseUnfolded();
      lock.lock();
      break;
    }
    for (Submission& submission : batch.submissions) Finish(submission, folded);
    lock.lock();
    folded_ = batch.lsn;
    for (auto& segment : LeaveSegments(batch)) to_seal.push_back(std::move(segment));
    unfolded_.pop_front();
  }
  if (unfolded_.empty()) SetFoldWaits(false);
  folding_ = false;
  lock.unlock();
  turn_wake_.notify_all();
  for (auto& segment : to_seal) SealLater(std::move(segment));
}

// Those that wait for nothing but being sealed.
std::vector<std::shared_ptr<ActiveSegment>> Lane::LeaveSegments(const Batch& batch) {
  std::vector<std::shared_ptr<ActiveSegment>> to_seal;
  for (const auto& part : batch.parts) {
    const std::shared_ptr<ActiveSegment>& segment = part->segment();
    if (--segment->unpublished == 0 && segment->closed) to_seal.push_back(segment);
  }
  return to_seal;
}

void Lane::FoldWaiting() {
  if (!fold_waits()) return;
  {
    std::unique_lock lock(turn_mutex_);
    turn_wake_.wait(lock, [this] { return !folding_; });
    folding_ = true;
  }
  if (read_only()) RefuseUnfolded();
  FoldInTurn();
}

// They are durable and nobody was told; the next opening folds them. Their segments stay unsealed
// until then, too.
void Lane::RefuseUnfolded() {
  std::deque<std::unique_ptr<Batch>> unfolded;
  {
    const std::lock_guard lock(turn_mutex_);
    unfolded.swap(unfolded_);
  }
  for (const auto& batch : unfolded) {
    Refuse(std::move(batch->submissions),
           Error(ErrorCode::kFenced, "the index takes no more: reopen the store"));
  }
}

void Lane::SetFoldWaits(bool waits) {
  if (fold_waits_.exchange(waits, std::memory_order_acq_rel) == waits) return;
  StoreMetrics::Get().folds_wait.Add(waits ? 1 : -1);
}

std::vector<Submission> Lane::RefuseUnfoldable(std::vector<Submission> taken) {
  std::vector<Submission> urgent;
  for (Submission& submission : taken) {
    if (submission.when_durable) {
      urgent.push_back(std::move(submission));
    } else {
      Finish(submission, Error(ErrorCode::kFull, "there is no room for the index"));
    }
  }
  return urgent;
}

void Lane::WaitForFold(Lsn lsn) {
  std::unique_lock lock(turn_mutex_);
  turn_wake_.wait(lock, [&] { return folded_ >= lsn || read_only() || fold_waits(); });
}

void Lane::Fail(const Error& error) {
  {
    const std::lock_guard lock(turn_mutex_);
    if (read_only_.exchange(true, std::memory_order_acq_rel)) return;
  }
  turn_wake_.notify_all();
  log::Write(log::kError, "log is read-only",
             {{"lane", options_.lane}, {"error", error.ToString()}});
  listener_.LaneFailed(options_.lane, error);
}

void Lane::Stop() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  queue_wake_.notify_all();
  for (std::thread& thread : committers_) thread.join();
  committers_.clear();
  RefuseUnfolded();
  SetFoldWaits(false);
  const std::lock_guard lock(plan_mutex_);
  for (auto& [group, segment] : active_) Close(segment);
  active_.clear();
  for (std::unique_ptr<Spare>* spare : {&spare_, &meta_spare_}) {
    if (*spare) (void)disk_.Unlink((*spare)->path);  // Best effort: the next opening removes it.
    spare->reset();
  }
}

}  // namespace penstock::store
