// The index: rows derived from the durable log, in RocksDB without its own log (docs/format.md §6).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/catalog.h"
#include "store/log/record.h"
#include "store/shard_state.h"

namespace rocksdb {
class Env;
}

namespace penstock::store {

// An item and the segment of its lane that holds it.
struct StoredItem {
  ItemRecord record;
  SegmentSeq segment = 0;
};

// Rows that enter the index together.
class IndexBatch {
 public:
  IndexBatch();
  ~IndexBatch();
  IndexBatch(IndexBatch&&) noexcept;
  IndexBatch& operator=(IndexBatch&&) noexcept;

  void PutItem(const StoredItem& item);
  void PutTrackSet(const StoredItem& item);
  void EraseTrackSet(const ShardId& shard, TrackSetId id);
  // Removes the rows of the items with from <= ordinal < end; those of their times go one by one.
  void EraseItems(const ShardId& shard, uint64_t from, uint64_t end);
  void EraseTimes(const ItemRecord& item);
  void PutShard(const ShardState& state);
  // Everything of a shard.
  void EraseShard(const ShardId& shard);
  void PutCatalogEntry(const CatalogEntry& entry);
  void EraseCatalogEntry(std::string_view key);
  void PutCounter(uint64_t catalog_counter);
  void PutRequest(std::string_view id, uint64_t counter, bool applied);
  void EraseRequest(std::string_view id);
  void PutApplied(uint32_t lane, Lsn lsn);
  // While it is set the rows are between two points of the log, and the next opening starts anew.
  void PutIncomplete(bool incomplete);
  size_t rows() const;

 private:
  friend class Index;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct RequestOutcome {
  std::string id;
  uint64_t counter = 0;
  bool applied = false;
};

// Thread-safe. Every call may block on the disk.
//
// Without room on the disk what was committed waits in memory and can be read; Flush fails with
// kFull, and Commit when too much waits. It goes on by itself when LookForRoom finds some.
class Index {
 public:
  // Opens or makes the index of the store with this id. What cannot be opened, or belongs to
  // another store, is deleted and made anew. `environment`: Disk::IndexEnvironment.
  static Result<std::unique_ptr<Index>> Open(const std::filesystem::path& directory,
                                             const Uuid& store,
                                             rocksdb::Env* environment = nullptr);
  // To be looked at: nothing is written, nor may it be by others. kNotFound if there is none.
  static Result<std::unique_ptr<Index>> OpenForReading(const std::filesystem::path& directory,
                                                       rocksdb::Env* environment);
  ~Index();

  // The store it belongs to.
  Result<std::string> StoreId() const;
  // Deletes every row.
  Status Clear();

  // All of it or nothing; may be tried again.
  Status Commit(const IndexBatch& batch);
  // Makes what was committed durable, all families at one point of the log.
  Status Flush();
  bool waits_for_room() const;
  void LookForRoom();

  // Bytes of rows that are not flushed yet, and of blocks that were read.
  struct Memory {
    uint64_t buffers = 0;  // until they are flushed, at most 48 MB
    uint64_t cache = 0;    // at most 32 MB
  };
  Memory memory() const;

  bool IsIncomplete() const;
  Lsn Applied(uint32_t lane) const;
  uint64_t CatalogCounter() const;
  Result<std::vector<CatalogEntry>> LoadCatalog() const;
  Result<std::vector<RequestOutcome>> LoadRequests() const;
  Result<std::vector<ShardState>> LoadShards() const;

  // kNotFound if there is none.
  Result<StoredItem> GetItem(const ShardId& shard, uint64_t ordinal) const;
  Result<StoredItem> GetTrackSet(const ShardId& shard, TrackSetId id) const;
  Result<std::vector<StoredItem>> ListTrackSets(const ShardId& shard) const;
  // Items with from <= ordinal < end, in order, at most `limit`.
  Result<std::vector<StoredItem>> ListItems(const ShardId& shard, uint64_t from, uint64_t end,
                                            size_t limit) const;

  // Whether the item's rows of both time orders are there.
  bool HasTimes(const ItemRecord& item) const;
  // Rows of items from this ordinal on, in each order.
  struct Rows {
    uint64_t items = 0;
    uint64_t times = 0;
    uint64_t producer = 0;
    friend bool operator==(const Rows&, const Rows&) = default;
  };
  Result<Rows> CountRows(const ShardId& shard, uint64_t from) const;

  // Places in the two time orders: the ordinal and the time of the last row at or before `t`, of
  // the first row after it.
  struct TimePlace {
    uint64_t ordinal = 0;
    int64_t time = 0;
    uint64_t index = 0;  // of the item's number
  };
  struct Around {
    std::optional<TimePlace> at_or_before;
    std::optional<TimePlace> after;
  };
  Result<Around> SeekServerTime(const ShardId& shard, uint32_t clock_run, int64_t ms) const;
  Result<Around> SeekProducerTime(const ShardId& shard, int64_t us) const;
  // Rows of the producer's order behind (us, index) and not after to_us, at most `limit`.
  Result<std::vector<TimePlace>> ListProducerTimes(const ShardId& shard, int64_t us, uint64_t index,
                                                   int64_t to_us, size_t limit) const;

 private:
  struct Impl;
  explicit Index(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::store
