// The shipping Shard: slots, window, selectors, reads.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <span>

#include "base/executor.h"
#include "store/index/index.h"
#include "store/log/lane.h"
#include "store/read_gate.h"
#include "store/shard.h"
#include "store/shown.h"
#include "store/window.h"

namespace penstock::store {

// What the shards of one lane share. Outlives every call that is not answered with kClosed.
struct ShardContext {
  uint32_t lane_number = 0;
  Lane* lane = nullptr;  // set before anything is served
  Index* index = nullptr;
  ThreadPool* readers = nullptr;
  Clock* clock = nullptr;
  uint64_t window_bytes = 0;
  std::atomic<bool> full{false};
  ReadGate gate;  // around what runs on `readers`: the index and the segments end with the closing

  // `read` for the pool: kClosed when it comes too late.
  template <class Read>
  static auto Guarded(std::shared_ptr<ShardContext> context, Read read) {
    return [context = std::move(context), read = std::move(read)]() -> decltype(read()) {
      const ReadGate::Pass pass(context->gate);
      if (!pass.inside()) return Error(ErrorCode::kClosed, "the store is closed");
      return read();
    };
  }
};

// Lock order: mutex_ is the innermost but for the lane's queue; nothing is awaited and no file is
// read under it. The index is.
class ShardImpl final : public Shard, public std::enable_shared_from_this<ShardImpl> {
 public:
  // max_bytes as in StreamInfo.
  ShardImpl(std::shared_ptr<ShardContext> context, ShardState state, uint32_t retention_hours,
            uint64_t max_bytes);
  ~ShardImpl() override;

  const ShardId& id() const override { return id_; }
  Result<Slot> OpenSlot() override;
  Task<Result<ItemHeader>> Append(NewItem item) override;
  Task<Result<ItemHeader>> Drop(NewItem item, GapReason reason) override;
  Task<Result<std::vector<ItemRef>>> Find(Selector from, size_t limit) override;
  std::vector<ItemRef> FindLive(uint64_t from, size_t limit) override;
  Task<Result<std::vector<ItemRef>>> FindStarted(TimeRange range, std::optional<RangePlace> after,
                                                 size_t limit) override;
  Task<Result<TrackSet>> GetTrackSet(TrackSetId id) override;
  Task<Result<ItemBytes>> Open(ItemRef ref, BodyForm form) override;
  Task<Result<Bytes>> ReadMeta(ItemRef ref) override;
  std::unique_ptr<Tail> MakeTail(Selector from) override;
  ShardStatus GetStatus() const override;
  Task<Status> WaitForOrdinal(uint64_t ordinal, CancelToken token) override;
  Task<Status> Trim(uint64_t before_ordinal) override;

  // The fold's side: one thread at a time per lane.
  void FoldItem(const StoredItem& item, IndexBatch& rows);
  // A copy of an item: it moves there. Of one that the index does not know, the item. What is to be
  // in the index by now is in it.
  Status FoldCopy(const StoredItem& item, IndexBatch& rows);
  Status FoldLowWater(uint64_t ordinal, IndexBatch& rows);
  void FoldReservation(uint64_t end);
  void FoldReservationEnd(uint64_t end);
  void FoldRetention(uint32_t hours, uint64_t max_bytes);
  void PutState(IndexBatch& rows) const;
  ShardState CopyState() const;
  // After recovery: records that abandon the ordinals which the log lacks, but for those that may
  // have stood in a lost segment. Blocks.
  Result<std::vector<PendingRecord>> FindHoles(std::span<const SegmentRecord> lost) const;
  // Gaps for which there is no room: visible, and stored when there is some.
  void DeferGaps(const std::vector<PendingRecord>& gaps);
  // Tries to store what was deferred.
  void SubmitDeferred();
  // For the closing: gives back what was reserved and is not shown, and shows no more of it.
  void ReleaseReserved();
  // After recovery: opens the slots of ordinals that may have been shown and are not in the log;
  // each is ended by EndReserved.
  std::vector<uint64_t> OpenReserved();
  void EndReserved(uint64_t ordinal, GapReason reason,
                   std::function<void(Result<ItemHeader>)> done);
  // After recovery: everything folded is visible.
  void StartServing();
  // Deleted, or the store is closing: every wait and call ends with kClosed.
  void Close(const char* why);

  // Retention's side.
  // Moves the mark in RAM to the first item that is not expired and returns it.
  uint64_t Expire(ServerTime now);
  uint64_t mark() const;
  uint64_t durable_low_water() const;
  // The cleaner's: whether readers may see the item; what is passed is not seen again. Blocks.
  bool Keeps(const ItemHeader& item) const;
  Result<std::shared_ptr<TrackSetUse>> LoadTrackSet(TrackSetId id);
  uint32_t lane() const { return context_->lane_number; }
  uint32_t retention_hours() const { return retention_hours_.load(); }

  // Holds; shard_holds.cc.
  // From now on what the hold covers is not hidden: gives the row that makes that durable. A hold
  // whose row is not written is taken back. Blocks. Errors as of Store::AddHold; kConflict if the
  // stream is being deleted.
  Result<HoldEntry> PromiseHold(Hold hold);
  void TakeBackHold(const std::string& id);
  void FoldHold(HoldEntry entry);
  // What no other hold keeps is hidden, and its rows go.
  void FoldRelease(const std::string& id, IndexBatch& rows);
  bool has_holds() const;
  bool Holds(const ItemHeader& item) const;
  // Everything before this ordinal is about to be hidden: a hold from now on comes too late for it.
  void NoteMark(uint64_t ordinal);
  // kConflict while there are holds. Until EndDeleting none is promised.
  Status BeginDeleting();
  void EndDeleting();
  // After recovery, when all holds and marks are known: what the index has before the mark and no
  // hold covers goes. Blocks.
  Status LoadIslands(IndexBatch& rows);

  // Where a selector points. May read the index; kTrimmed never.
  Result<uint64_t> Resolve(const Selector& from);

 private:
  friend class Slot::Ending;

  // Numbers given out that are not visible yet: what a stalled disk, or a slot that its owner
  // forgot, can cost.
  static constexpr size_t kOpenSlotsMax = 256;
  // Deferred gaps of one shard, beyond which it takes no more items: the disk is full for good.
  static constexpr size_t kDeferredGapsMax = 256;
  // Ordinals are reserved by so many: after a crash what was not used of them is gaps, too.
  static constexpr uint64_t kReservedOrdinals = 16;
  // The same, of a shard whose log is slow: as many as last until the next reservation is durable.
  static constexpr uint64_t kReservedAheadMin = 32;
  static constexpr uint64_t kReservedAheadMax = 256;
  friend class TailImpl;

  struct SlotState {
    enum class Phase { kOpen, kPending, kDone } phase = Phase::kOpen;
    FragmentNumber number;
    uint32_t clock_run = 0;
    SteadyTime pending_since;
    WindowItem item;  // kDone, or on its way there
    // The log does not hold the body: it is dropped, or stored by now.
    bool body_may_go = false;

    // The owner has said what it is.
    bool told() const { return phase != Phase::kOpen && item.header.number == number; }
    bool dropped() const { return (item.header.flags & kFlagDropped) != 0; }
  };
  // A gap that the log lacks because the disk was full.
  struct DeferredGap {
    ItemRecord record;
    bool submitted = false;
    bool folded = false;  // counted in state_; its row comes with the same batch
    bool hidden = false;  // neither stored nor reserved: its ordinal may come again, so not shown
  };
  struct Waiter {
    uint64_t ordinal = 0;
    bool ended = false;
    Oneshot<Status> done;
  };

  SlotState MakeSlot(int64_t now_ms);  // the next one; mutex_ held
  // Ends the slot's open phase and gives the item's header as far as the slot knows it.
  Result<ItemRecord> TakeSlot(Slot& slot);
  void Abandon(uint64_t ordinal);
  void EndWithGap(uint64_t ordinal, ItemKind kind, GapReason reason,
                  std::function<void(Result<ItemHeader>)> done);
  PendingRecord MakeGap(SlotState& state, uint64_t ordinal, ItemKind kind,
                        GapReason reason);  // mutex_ held
  // Ends the slot of an item that was not stored; `done` gets `why`.
  void EndRefused(uint64_t ordinal, const Error& why, Oneshot<Status> done);
  void Complete(uint64_t ordinal);  // what the slot remembers becomes visible in its turn
  void SetRun(ItemRecord& record, RunId run);  // mutex_ held
  std::shared_ptr<TrackSetUse> FindTrackSet(const NewItem& item,
                                            const ItemRecord& record);  // mutex_ held
  Task<void> LoadNewestTrackSet();
  SlotState* FindSlot(uint64_t ordinal);    // mutex_ held
  void LoosenBody(SlotState& state);        // mutex_ held
  void ForgetBodies();                      // mutex_ held
  void SetPending(SlotState& state) const;  // mutex_ held
  // An item waits for the log longer than a picture may.
  bool LogIsSlow() const;         // mutex_ held
  bool MustReserveAhead() const;  // mutex_ held
  void ReserveAhead();
  uint64_t LiveEnd() const;  // mutex_ held
  // Ordinals before it may be shown that the log lacks.
  uint64_t ReservedEnd() const;                      // mutex_ held
  const WindowItem* FindInMemory(uint64_t ordinal);  // mutex_ held
  // The gaps that wait for room, to be stored with what is submitted next.
  std::vector<PendingRecord> TakeDeferred(uint32_t retention_class);  // mutex_ held
  static std::vector<uint64_t> OrdinalsOf(const std::vector<PendingRecord>& records);
  void EndDeferred(const std::vector<uint64_t>& ordinals, const Status& status);
  // Keeps the gap of a pending slot until there is room. `then` is called when readers see it, or
  // cannot until it is stored.
  void Defer(const PendingRecord& gap, std::function<void()> then);
  void ShowDeferred(uint64_t ordinal);                                      // if it is still hidden
  std::vector<ItemHeader> DeferredFrom(uint64_t from, uint64_t end) const;  // mutex_ held
  std::vector<std::shared_ptr<Waiter>> TakeDueWaiters(bool all);            // mutex_ held
  uint64_t ExpireLocked(int64_t now_ms) const;                              // mutex_ held
  bool HoldsLocked(const ItemHeader& item) const;                           // mutex_ held
  void KeepHeld(const ItemHeader& hidden) const;                            // mutex_ held
  bool ShowsLocked(uint64_t ordinal, int64_t now_ms) const;                 // mutex_ held
  uint64_t Behind(uint64_t ordinal) const;  // where a tail goes on; not over what is being hidden
  Shown ShownLocked(int64_t now_ms) const;  // mutex_ held
  std::optional<ServerTime> GoneBefore(const Hold& hold, uint64_t from) const;  // mutex_ held
  void LoadOldest() const;                                                      // mutex_ held
  Result<std::vector<ItemRef>> FindStartedBlocking(const TimeRange& range,
                                                   const std::optional<RangePlace>& after,
                                                   size_t limit);
  // Of one clock run, which begins at `first`: those from begin to end.
  Status ListServerTimes(const ServerTimeRange& range, uint32_t run, uint64_t first,
                         OrdinalRange within, size_t limit, std::vector<ItemRef>& out);
  Status ListProducerTimes(const ProducerTimeRange& range, const std::optional<RangePlace>& after,
                           const Shown& shown, size_t limit, std::vector<ItemRef>& out);
  Result<std::vector<ItemRef>> FindBlocking(const Selector& from, size_t limit);
  Result<std::optional<std::vector<ItemRef>>> FindInWindow(const Selector& from, size_t limit);
  Result<uint64_t> ResolveServerTime(ServerTime time, const ShardState& state, uint64_t mark);
  // `ordinal` is where the time points without regard to what only holds keep.
  Result<uint64_t> ResolveInIslands(ServerTime time, const Shown& shown, uint64_t ordinal);
  Result<uint64_t> ResolveProducerTime(ProducerTime time, const Shown& shown);
  std::optional<uint64_t> ResolveTimeInWindow(const Selector& from, uint64_t mark) const;
  Result<uint64_t> ResolveNumber(uint64_t index, const Shown& shown);
  Result<ItemBytes> OpenBlocking(const ItemRef& ref, BodyForm form);
  Result<Bytes> ReadMetaBlocking(const ItemRef& ref);
  Result<StoredItem> Locate(const ItemRef& ref);
  // Reads where the item is; once more if a cleaner moved it meanwhile.
  template <class Read>
  auto ReadWhereItIs(const ItemRef& ref, const Read& read)
      -> decltype(read(std::declval<const StoredItem&>()));
  Result<TrackSet> ReadTrackSet(TrackSetId id);
  // Another copy than the one that the index knows, which cannot be read.
  std::optional<TrackSet> FindTrackSetCopy(const StoredItem& unreadable);
  Status CheckOpen() const;  // mutex_ held

  // Set once.
  const std::shared_ptr<ShardContext> context_;
  const ShardId id_;

  std::atomic<uint32_t> retention_hours_;
  uint64_t max_bytes_ = 0;  // guarded by mutex_

  mutable std::mutex mutex_;  // all below
  const char* closed_ = nullptr;
  ShardState state_;
  uint64_t next_ordinal_ = 0;
  uint64_t runs_started_ = 0;
  uint32_t clock_run_ = 0;
  int64_t last_ms_ = 0;
  std::deque<SlotState> slots_;  // from the visible end to next_ordinal_
  uint64_t loose_bytes_ = 0;     // of bodies in slots_ that may go
  uint64_t live_changes_ = 0;    // of what slots_ say that were told
  Window window_;                // window_.end() is the visible end
  std::map<uint64_t, DeferredGap> deferred_;
  bool reserving_ = false;  // ahead, and it is on its way
  uint64_t reserve_ahead_ = kReservedAheadMin;
  std::optional<uint64_t> released_;  // from here on nothing is reserved any more
  mutable uint64_t mark_ =
      0;  // the oldest visible ordinal; state_.low_water <= mark_ <= window_.end()
  mutable uint64_t hidden_items_ = 0;  // of state_.items, those before mark_
  mutable uint64_t hidden_bytes_ = 0;
  mutable std::optional<StoredItem> oldest_;  // the item at or after mark_, when known
  std::map<std::string, HoldEntry> holds_;    // by id; promised or durable
  mutable Islands islands_;                   // what they keep before mark_
  mutable uint64_t held_changes_ = 0;         // of islands_
  uint64_t promised_mark_ = 0;                // no hold reaches what is before it
  bool deleting_ = false;
  mutable std::optional<ItemHeader> newest_;              // the last visible item, when known
  std::vector<std::shared_ptr<TrackSetUse>> track_sets_;  // used last, newest last
  bool track_sets_loaded_ = false;
  std::multimap<uint64_t, std::shared_ptr<Waiter>> waiters_;
};

// Bodies and metas of stored items, verified. Blocks.
// kFileSlice: where it can, through the page cache.
Result<Bytes> ReadItemMeta(SegmentTable& segments, const StoredItem& item, BodyForm form);
Result<std::variant<ByteChain, FileSlice>> ReadItemBody(SegmentTable& segments,
                                                        const StoredItem& item, BodyForm form);
Result<TrackSet> ReadTrackSetAt(SegmentTable& segments, const StoredItem& item);
// A track set is repeated in each segment that uses it, before the first item that does. The copy
// in the segment of `user`, such an item.
std::optional<TrackSet> ReadTrackSetCopy(SegmentTable& segments, Segment& segment,
                                         const StoredItem& wanted, const StoredItem& user);

}  // namespace penstock::store
