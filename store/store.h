// The embedded store: one folder, one process. Streams by name; each has one shard.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/task.h"
#include "store/catalog.h"
#include "store/hold.h"
#include "store/shard.h"

namespace penstock::store {

class Disk;

struct StoreOptions {
  std::filesystem::path directory;
  int lanes = 1;
  // 0: clamp(volume / 500, 16 MB, 1 GB).
  uint64_t segment_bytes = 0;
  // A segment is also full with so many items; 0: limits::kSegmentItemsMax.
  uint64_t segment_items = 0;
  // A segment is also cut when it spans this much time; 0: 5 % of its class's retention.
  std::chrono::seconds segment_span{0};
  // Share of the volume that may be used before appends are refused with kFull.
  double full_at = 0.95;
  // While less of the volume is free, the oldest sealed segments are removed, whatever retention
  // says; appends are then refused only when less than half of this is free, or beyond full_at,
  // whichever comes later. 0: nothing is removed before its time.
  uint64_t min_free_bytes = 0;
  // Share of full_at that must be used, or less than twice min_free_bytes be free, before segments
  // of which less than half still lives are rewritten. 0: always, at every look of retention.
  double clean_at = 0.9;
  // Threads for blocking reads.
  size_t read_threads = 4;
  uint64_t window_bytes_per_stream = 0;  // 0: limits::kWindowBytesPerStreamMax
  // How often the store runs EnforceRetention by itself; 0: never (tests with a simulated clock,
  // which is not thread-safe).
  std::chrono::milliseconds retention_interval{5000};
};

struct StreamInfo {
  StreamName name;
  ShardId shard;
  uint32_t retention_hours = 24;  // 0: live only, nothing is written
  ServerTime created;
  uint64_t version = 0;  // of its catalog entry, for compare-and-set
  // Of bodies; what exceeds it is hidden, oldest first. 0: no limit.
  uint64_t max_bytes = 0;
};

// What of a stream is to change; what is not named stays.
struct StreamChange {
  std::optional<uint32_t> retention_hours = std::nullopt;
  std::optional<uint64_t> max_bytes = std::nullopt;
};

// What `store check` found.
struct CheckReport {
  struct Finding {
    std::string where;  // segment file and offset
    std::string what;
    bool harmful = false;  // acknowledged bytes are not readable; false: a torn tail and other
                           // expected leftovers
  };
  uint64_t segments = 0;
  uint64_t items = 0;
  uint64_t body_bytes = 0;
  bool index_differs = false;  // from the log; told by harmful findings, and mended by deleting it
  std::vector<Finding> findings;
};

// Thread-safe after Open.
class Store {
 public:
  virtual ~Store() = default;

  // Locks the folder (kConflict if another process has it), recovers, and claims its lanes. `disk`
  // and `clock` must outlive it. kCorruption if acknowledged metadata cannot be read; kUnsupported
  // for a newer format. Blocks.
  static Result<std::unique_ptr<Store>> Open(StoreOptions options, Disk& disk, Clock& clock);

  // Reads every byte of a store that no process has open, and compares its index with the log.
  // Changes nothing. Blocks.
  static Result<CheckReport> Check(std::filesystem::path directory, Disk& disk);

  // Finishes what was appended, refuses more, folds and closes. Called once, before destruction.
  virtual Task<void> Close() = 0;

  virtual Catalog& catalog() = 0;

  virtual std::vector<StreamInfo> ListStreams() const = 0;
  virtual std::optional<StreamInfo> GetStream(const StreamName& name) const = 0;
  // kAlreadyExists if there is one.
  virtual Task<Result<StreamInfo>> CreateStream(StreamName name, uint32_t retention_hours) = 0;
  // Its items are hidden at once; their segments go with retention or cleaning. kConflict while it
  // has holds.
  virtual Task<Status> DeleteStream(StreamName name) = 0;
  // Takes effect at once, all of it or nothing. kNotFound. if_version: kConflict unless the
  // stream's entry has this version; 0: whatever it has.
  virtual Task<Result<StreamInfo>> ChangeStream(StreamName name, StreamChange change,
                                                uint64_t if_version = 0) = 0;

  // What a hold covers stays, and stays visible, until it is released: neither age, max_bytes nor
  // min_free_bytes takes it. It is durable when this completes. kNotFound without such a stream, or
  // if nothing was stored then; kTrimmed if all of it has gone; kTooLarge beyond
  // limits::kHoldsPerStreamMax; kInvalidArgument (end <= start, a long note, a stream of which
  // nothing is stored).
  virtual Task<Result<Hold>> AddHold(NewHold wanted) = 0;
  // What only it kept is hidden when this completes, and goes like everything hidden. kNotFound.
  virtual Task<Result<Hold>> ReleaseHold(std::string id) = 0;
  // Of one stream or all, by stream and age. From memory.
  virtual std::vector<Hold> ListHolds(std::optional<StreamName> stream) const = 0;

  // The shard of a stream; nullptr if there is none. Valid until Close.
  virtual std::shared_ptr<Shard> OpenShard(const ShardId& id) = 0;

  // Whole-segment unlink and low-water marks, by the clock's time now. Run by a timer of the store
  // itself every few seconds; public so that tests and tools can run it at a moment of their
  // choice. `retention_timer=false` in tests is the caller's business.
  virtual Task<Status> EnforceRetention() = 0;

  struct Stats {
    uint64_t volume_bytes = 0;
    uint64_t volume_free_bytes = 0;
    uint64_t usable_free_bytes = 0;  // what may still be stored before something goes or is refused
    uint64_t segment_files = 0;
    uint64_t segment_bytes = 0;
    uint64_t pending_items = 0;
    uint64_t holds = 0;
    uint64_t held_bytes = 0;          // of bodies that only holds keep
    uint64_t index_buffer_bytes = 0;  // rows that are not flushed yet, at most 48 MB
    uint64_t index_cache_bytes = 0;   // blocks of the index that were read, at most 32 MB
    bool read_only = false;           // a lane refused a sync; reopen to recover
    bool full = false;  // there is no room, for items or for the index; it passes by itself
    uint64_t unreadable_streams =
        0;  // their rows in the catalog are damaged; nothing of them is removed
  };
  virtual Stats GetStats() const = 0;
};

}  // namespace penstock::store
