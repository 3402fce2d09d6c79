// One ordered log of items, as its owner and its readers see it.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/file_slice.h"
#include "base/task.h"
#include "store/item.h"

namespace penstock::store {

// A place in the order, taken before the bytes are there. It ends in an append, or is abandoned
// durably when the Slot is destroyed unused. Readers do not see past the lowest open slot. Movable;
// used on any thread, one at a time.
class Slot {
 public:
  Slot() = default;
  Slot(Slot&&) noexcept;
  Slot& operator=(Slot&&) noexcept;
  ~Slot();

  bool open() const { return ending_ != nullptr; }
  const FragmentNumber& number() const { return number_; }
  uint64_t ordinal() const { return ordinal_; }
  ServerTime server_time() const { return server_time_; }

 private:
  friend class ShardImpl;
  // How the slot tells its shard that it ended unused.
  class Ending;
  FragmentNumber number_;
  uint64_t ordinal_ = 0;
  ServerTime server_time_;
  std::shared_ptr<Ending> ending_;
};

// A fragment to be stored. The store fills in number, ordinal, server_time (from the slot) and the
// sizes.
struct NewItem {
  Slot slot;
  ItemKind kind = ItemKind::kFragment;
  GapReason gap_reason = GapReason::kNone;
  uint32_t flags = 0;
  RunId run = 0;  // 0: this item's own index starts a new run (sets kFlagStartsRun and the
                  // discontinuity ordinal)
  ProducerTime producer_time;
  std::chrono::microseconds duration{0};
  // The track set this item uses. Content, not id: the store finds or makes the id, and repeats the
  // set in each segment that needs it.
  Bytes track_set;       // EBML header + Tracks; empty: none
  Bytes track_set_meta;  // the decoder's view of it (playback needs no parser); opaque
  ByteChain body;        // direct-I/O ready (base/chunk_pool.h) bodies are written without a copy
  Bytes meta;            // at most limits::kItemMetaBytesMax
};

// One stored (or, for a dropped one, remembered) item without its bytes.
struct ItemRef {
  ShardId shard;
  ItemHeader header;
};

struct TrackSet {
  TrackSetId id = 0;
  Bytes body;
  Bytes meta;
};

// An item's bytes. From RAM (the live window) or from disk, verified against its checksums before
// the first byte is given out.
struct ItemBytes {
  Bytes meta;
  std::variant<ByteChain, FileSlice>
      body;  // FileSlice only if the caller asked for it and a sealed file holds it
};

// Where to start listing. Times select the item that contains the time, or the first one after it.
struct FromOldest {};
struct FromLatest {};  // after the newest visible item
struct FromOrdinal {
  uint64_t ordinal;
};
struct AfterNumber {
  uint64_t index;
};
struct FromServerTime {
  ServerTime time;
};
struct FromProducerTime {
  ProducerTime time;
};
using Selector = std::variant<FromOldest, FromLatest, FromOrdinal, AfterNumber, FromServerTime,
                              FromProducerTime>;

// When fragments began, both ends included.
struct ServerTimeRange {
  ServerTime from;
  ServerTime to;
};
struct ProducerTimeRange {
  ProducerTime from;
  ProducerTime to;
};
using TimeRange = std::variant<ServerTimeRange, ProducerTimeRange>;
// The last item of a page of such a listing. The next page goes on behind it even if it is gone.
struct RangePlace {
  uint64_t ordinal = 0;
  uint64_t index = 0;  // of its number
  ProducerTime producer_time;
};

enum class BodyForm {
  kMemory,     // always a ByteChain
  kFileSlice,  // a FileSlice where possible (sealed segment, checked), else a ByteChain
};

// What only holds keep: a dense stretch of ordinals before the oldest that retention keeps, of one
// clock run.
struct HeldStretch {
  uint64_t first_ordinal = 0;
  uint64_t end_ordinal = 0;  // not included
  uint32_t clock_run = 0;
  ServerTime start;
  ServerTime end;
  uint64_t items = 0;
  uint64_t body_bytes = 0;

  bool Contains(uint64_t ordinal) const;
};

struct ShardStatus {
  // Of the oldest item from which on everything is visible; == next_ordinal when there is none.
  // Before it are only `held` ones; items, bytes and `oldest` are without those.
  uint64_t oldest_ordinal = 0;
  uint64_t next_ordinal = 0;  // visible end: the lowest open slot or the next to be made
  // One past the newest item that FindLive gives; >= next_ordinal, equal while the disk keeps up.
  uint64_t live_end = 0;
  // Since the start: how often an item that FindLive may have given became another: one that was
  // refused or whose bytes have gone.
  uint64_t live_changes = 0;
  uint64_t items = 0;
  uint64_t body_bytes = 0;
  std::optional<ItemHeader> oldest;
  std::optional<ItemHeader> newest;
  std::vector<HeldStretch> held;  // in order; what lies between two of them has gone
  uint64_t held_changes = 0;      // since the start; tells whether `held` is still the same

  // Whether an item with this ordinal is visible, if there is one.
  bool Shows(uint64_t ordinal) const;
  // The first ordinal of the visible stretch that ends right before this one or goes on behind it;
  // itself if the one before it is not visible.
  uint64_t StretchStart(uint64_t ordinal) const;
};

// Durable items in order, from a place on, waiting for what comes; what lies behind the end of a
// held stretch and has gone is left out. Ends with kClosed when the shard is deleted. One thread at
// a time; destroy it to stop (a pending Next must have been cancelled first).
class Tail {
 public:
  virtual ~Tail() = default;
  // The next items, at least one, at most `limit`. kTrimmed if retention has passed its place;
  // kCancelled by the token.
  virtual Task<Result<std::vector<ItemRef>>> Next(size_t limit, CancelToken token) = 0;
};

// Thread-safe. Lives as long as the Store that gave it.
//
// Invariants: appended and acknowledged => in every later recovery with the same bytes; numbers
// strictly increase; readers see a prefix of durable (or dropped) items; ordinals are dense.
class Shard {
 public:
  virtual ~Shard() = default;

  virtual const ShardId& id() const = 0;

  // Makes the next number and ordinal. Does not wait. kFull (no room even for more gaps), kFenced
  // (read-only lane), kThrottled (256 places not visible yet, or too many bytes waiting for the
  // log) say why nothing may be written now.
  virtual Result<Slot> OpenSlot() = 0;

  // Durable (fdatasync'd) and in order when it completes: then, and not before, it may be
  // acknowledged. All or nothing; refused with kFull (or kUnavailable: the machine is short of
  // descriptors or memory), its ordinal has become a gap of that reason, which readers see; if
  // there is no room even for metadata, they see it when it is stored. A fragment plays from the
  // live window meanwhile, as after Drop. With retention 0 nothing is written and it completes at
  // once; the item lives in the live window only, and after a restart ordinals go on further up.
  virtual Task<Result<ItemHeader>> Append(NewItem item) = 0;

  // Ends a slot for an item that will not be stored (overload, disk full): keeps its ordinal, plays
  // from the live window while it is there, then counts as a gap of that reason. Completes when the
  // gap itself is durable or, if the disk is full, queued.
  virtual Task<Result<ItemHeader>> Drop(NewItem item, GapReason reason) = 0;

  // Visible items from a place on, oldest first, at most `limit`. Their ordinals are dense but
  // where what lies between held stretches has gone. Cheap: index and window only.
  virtual Task<Result<std::vector<ItemRef>>> Find(Selector from, size_t limit) = 0;
  // What a live picture may go on with, from `from` on, at most `limit`: items in memory, visible
  // ones and, while the disk is slow, ones that are not durable yet. Those that never become so (a
  // crash, a refusal) are gaps afterwards: what is given here never becomes another item. Nothing
  // if `from` is older than what is in memory. Open and ReadMeta take what it gives.
  virtual std::vector<ItemRef> FindLive(uint64_t from, size_t limit) = 0;
  // Stored fragments that began within a range: by ordinal for server time, by producer time else,
  // also where that ran backwards; at most `limit`. Not those of the live window that are not in
  // the log (retention 0, dropped). Costs a look at each clock run and at the fragments found.
  virtual Task<Result<std::vector<ItemRef>>> FindStarted(TimeRange range,
                                                         std::optional<RangePlace> after,
                                                         size_t limit) = 0;
  virtual Task<Result<TrackSet>> GetTrackSet(TrackSetId id) = 0;
  // kTrimmed, kCorruption, kNotFound (a dropped item that has left the window).
  virtual Task<Result<ItemBytes>> Open(ItemRef ref, BodyForm form) = 0;
  // Only the meta (frame table).
  virtual Task<Result<Bytes>> ReadMeta(ItemRef ref) = 0;

  virtual std::unique_ptr<Tail> MakeTail(Selector from) = 0;
  virtual ShardStatus GetStatus() const = 0;
  // Completes when the visible end has moved past `ordinal` (an item with that ordinal is visible),
  // or the token fires.
  virtual Task<Status> WaitForOrdinal(uint64_t ordinal, CancelToken token) = 0;

  // Hides everything before the item with this ordinal that no hold keeps, durably.
  virtual Task<Status> Trim(uint64_t before_ordinal) = 0;
};

}  // namespace penstock::store
