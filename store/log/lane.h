// One ordered log with group commit (docs/format.md §1, §3).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <thread>

#include "base/executor.h"
#include "base/limits.h"
#include "store/log/active_segment.h"
#include "store/log/meta_records.h"

namespace penstock::store {

// Records that take effect together. `done` is called once, in LSN order, after the fold, on a
// thread of the lane or one that has called FoldWaiting.
struct Submission {
  std::vector<PendingRecord> records;
  uint32_t retention_class = kMetaClass;  // where they go
  bool copies = false;  // of items of the lane (docs/format.md §3.6): in segments of their own
  std::function<void(Status)> done;
  // Called before `done`, and before the fold, which may have to wait: it is durable. With it a
  // submission is taken even while folds wait.
  std::function<void()> when_durable;
  bool urgent = false;  // taken before everything that waits
  SteadyTime submitted;
  size_t bytes = 0;
};

// A record as it stands in the log.
struct FoldRecord {
  Record record;
  SegmentSeq segment = 0;
};

// Takes what is durable, in LSN order, one batch at a time.
class LaneListener {
 public:
  virtual ~LaneListener() = default;
  // A refusal (IsRefusal): the batch is taken, and FoldAgain is called until its fold has ended.
  virtual Status Fold(uint32_t lane, Lsn lsn, std::vector<FoldRecord> records) = 0;
  virtual Status FoldAgain(uint32_t lane) = 0;
  // A meta segment has begun: somebody must submit a snapshot of everything that is live once all
  // batches before first_lsn are folded.
  virtual void MetaSegmentBegun(uint32_t lane, SegmentSeq sequence, Lsn first_lsn) = 0;
  // The lane took an error and is read-only from now on.
  virtual void LaneFailed(uint32_t lane, const Error& error) = 0;
};

// Nothing was written, the lane goes on, and the same may pass later: there is no room (kFull), or
// the machine has no descriptor or no memory to spare for the next segment (kUnavailable).
inline bool IsRefusal(ErrorCode code) {
  return code == ErrorCode::kFull || code == ErrorCode::kUnavailable;
}

struct LaneOptions {
  std::filesystem::path directory;
  uint32_t lane = 0;
  uint64_t epoch = 1;
  Lsn next_lsn = 1;
  SegmentSeq next_sequence = 1;
  Uuid store{};
  uint64_t segment_bytes = 0;
  uint64_t meta_segment_bytes = 0;
  uint64_t segment_items = limits::kSegmentItemsMax;  // then the next segment begins
  std::chrono::seconds segment_span{0};               // 0: 5 % of the class's retention
};

// Seals a segment whose batches end at data_end: footer behind them, file cut, synced. `file` is
// the writer's. Repeatable.
Status SealSegment(Segment& segment, DiskFile& file, uint64_t data_end, Lsn durable_lsn);

// Two committers take what has arrived, give it an LSN, write one part per touched segment, sync
// the parts in parallel, and hand the result to the listener in LSN order:  folded <= durable <
// planned <= submitted.
//
// While the listener refuses a fold, what is durable waits in memory: the batches that were in
// flight, and submissions that say when_durable. All others are refused with kFull.
//
// Thread-safe. A failed write or sync makes the lane read-only; nothing is tried again.
class Lane {
 public:
  // `disk`, `listener`, `background` (one thread: seals and prepares) outlive it.
  Lane(LaneOptions options, Disk& disk, LaneListener& listener, ThreadPool& background);
  ~Lane();

  SegmentTable& segments() { return segments_; }
  uint64_t epoch() const { return options_.epoch; }
  uint32_t number() const { return options_.lane; }
  bool read_only() const { return read_only_.load(std::memory_order_acquire); }
  Lsn durable_lsn() const { return durable_lsn_.load(std::memory_order_acquire); }
  bool fold_waits() const { return fold_waits_.load(std::memory_order_acquire); }
  uint64_t pending_items() const { return pending_items_.load(std::memory_order_relaxed); }
  uint64_t pending_bytes() const { return pending_bytes_.load(std::memory_order_relaxed); }

  // After the listener can take calls.
  void Start();
  // Never blocks on the disk. `done` gets kFenced when the lane is read-only, kClosed when it is
  // stopped, and what IsRefusal knows.
  void Submit(Submission submission);
  // Blocking calls, from the background thread or while opening and closing.
  void CloseOldSegments(int64_t now_ms);  // active ones that span too much time
  void CloseCopies();                     // those that take copies
  void PrepareSpares();
  void KeepMetaSegmentAbove(uint64_t bytes);
  // Returns when every batch up to this one is folded, or the lane is read-only, or folds wait.
  void WaitForFold(Lsn lsn);
  // Tries again to fold what waits.
  void FoldWaiting();
  // Unlinks segments, durably.
  Status RemoveSegments(const std::vector<std::shared_ptr<Segment>>& segments);
  // Commits what was submitted, then seals every segment. Afterwards Submit refuses.
  void Stop();

 private:
  struct Batch;

  // What shares a segment: new items of a class, or copies of older ones, which go before them.
  struct Group {
    bool copies = false;
    uint32_t retention_class = kMetaClass;
    auto operator<=>(const Group&) const = default;
  };

  void CommitLoop();
  std::vector<Submission> Take();
  struct Place;
  std::unique_ptr<Batch> Plan(std::vector<Submission> taken);
  Status FindPlace(Place& place);
  void PlaceMeta(std::vector<Place>& places, std::vector<Submission> submissions);
  Result<std::shared_ptr<ActiveSegment>> SegmentFor(Group group, uint64_t bytes, int64_t server_ms);
  Result<std::shared_ptr<ActiveSegment>> CreateSegment(Group group, uint64_t bytes,
                                                       int64_t server_ms);
  Status InstallSegment(const std::filesystem::path& spare, DiskFile& file, SegmentHeader& header,
                        const std::filesystem::path& path);
  Result<std::pair<std::filesystem::path, std::unique_ptr<DiskFile>>> TakeFile(
      uint32_t retention_class, uint64_t bytes, uint64_t& capacity);
  Result<std::pair<std::filesystem::path, std::unique_ptr<DiskFile>>> MakeSpare(uint64_t bytes);
  Group PlaceFor(Group group) const;
  bool SpansTooMuch(const ActiveSegment& segment, int64_t now_ms) const;
  Status WriteParts(Batch& batch);
  void Publish(std::unique_ptr<Batch> batch, Status written);
  void FoldInTurn();
  std::vector<std::shared_ptr<ActiveSegment>> LeaveSegments(const Batch& batch);  // turn mutex held
  std::vector<Submission> RefuseUnfoldable(std::vector<Submission> taken);
  void RefuseUnfolded();
  void SetFoldWaits(bool waits);
  void Refuse(std::vector<Submission> submissions, const Error& error);
  void Finish(Submission& submission, Status status);
  void Close(std::shared_ptr<ActiveSegment> segment);  // plan mutex held
  void SealLater(std::shared_ptr<ActiveSegment> segment);
  void Fail(const Error& error);

  // Set once.
  const LaneOptions options_;
  Disk& disk_;
  LaneListener& listener_;
  ThreadPool& background_;

  // Safe by themselves.
  SegmentTable segments_;
  std::atomic<bool> read_only_{false};
  std::atomic<bool> fold_waits_{false};
  std::atomic<Lsn> durable_lsn_;
  std::atomic<uint64_t> pending_items_{0};
  std::atomic<uint64_t> pending_bytes_{0};

  // Order of the mutexes: plan, queue; plan, turn.
  std::mutex queue_mutex_;
  std::condition_variable queue_wake_;
  std::deque<Submission> queue_;  // under queue_mutex_
  bool stopping_ = false;         // under queue_mutex_

  std::mutex plan_mutex_;
  Lsn next_lsn_;  // under plan_mutex_, as all below
  SegmentSeq next_sequence_;
  std::map<Group, std::shared_ptr<ActiveSegment>> active_;
  uint64_t meta_segment_bytes_;
  std::map<SegmentSeq, SegmentRecord> unregistered_;  // segments of items without a batch yet
  struct Spare {
    std::filesystem::path path;
    std::unique_ptr<DiskFile> file;
    uint64_t bytes = 0;
  };
  std::unique_ptr<Spare> spare_;
  std::unique_ptr<Spare>
      meta_spare_;  // kept so that metadata can be written when the volume is full

  std::mutex turn_mutex_;
  std::condition_variable turn_wake_;
  Lsn published_;  // durable in its turn; under turn_mutex_, as all below
  Lsn folded_;
  bool folding_ = false;                         // somebody is in FoldInTurn
  std::deque<std::unique_ptr<Batch>> unfolded_;  // up to published_

  // Joined by Stop.
  ThreadPool sync_helpers_;
  std::vector<std::thread> committers_;
};

}  // namespace penstock::store
