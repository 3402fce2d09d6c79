// The embedded store: lanes, index, catalog and shards put together.
#pragma once

#include <condition_variable>
#include <set>
#include <thread>
#include <unordered_map>

#include "store/catalog_impl.h"
#include "store/log/lane_scan.h"
#include "store/shard_impl.h"
#include "store/store.h"

namespace penstock::store {

// Lock order: a lane's fold mutex, then streams_mutex_, then a shard's.
class StoreImpl final : public Store, public LaneListener {
 public:
  StoreImpl(StoreOptions options, Disk& disk, Clock& clock);
  ~StoreImpl() override;

  // Recovery; see store_open.cc.
  Status Start();

  Task<void> Close() override;
  Catalog& catalog() override { return catalog_; }
  std::vector<StreamInfo> ListStreams() const override;
  std::optional<StreamInfo> GetStream(const StreamName& name) const override;
  Task<Result<StreamInfo>> CreateStream(StreamName name, uint32_t retention_hours) override;
  Task<Status> DeleteStream(StreamName name) override;
  Task<Result<StreamInfo>> ChangeStream(StreamName name, StreamChange change,
                                        uint64_t if_version) override;
  Task<Result<Hold>> AddHold(NewHold wanted) override;
  Task<Result<Hold>> ReleaseHold(std::string id) override;
  std::vector<Hold> ListHolds(std::optional<StreamName> stream) const override;
  std::shared_ptr<Shard> OpenShard(const ShardId& id) override;
  Task<Status> EnforceRetention() override;
  Stats GetStats() const override;

 private:
  struct StreamRow {
    StreamInfo info;
    uint32_t lane = 0;
  };
  struct LaneState {
    std::shared_ptr<ShardContext> context;
    std::unique_ptr<Lane> lane;
    std::mutex
        fold_mutex;  // held while a batch is folded, and by who needs the state of one instant
    Lsn folded = 0;  // into RAM; under fold_mutex, as all below
    SegmentRegister registered;
    IndexBatch unindexed;  // rows of that fold which the index has not taken yet
    // A snapshot that could not be finished because the index has no room: its segment's sequence
    // and first LSN.
    std::optional<std::pair<SegmentSeq, Lsn>> snapshot_due;
  };

  // LaneListener.
  Status Fold(uint32_t lane, Lsn lsn, std::vector<FoldRecord> records) override;
  Status FoldAgain(uint32_t lane) override;
  void MetaSegmentBegun(uint32_t lane, SegmentSeq sequence, Lsn first_lsn) override;
  void LaneFailed(uint32_t lane, const Error& error) override;

  Status PutInIndex(LaneState& state);  // its fold_mutex held

  using Touched = std::map<ShardId, std::shared_ptr<ShardImpl>>;
  Status FoldMeta(const MetaRecord& record, IndexBatch& rows, Touched& touched);
  void FoldStreamRow(const std::string& key, const std::optional<Bytes>& value, uint64_t version,
                     IndexBatch& rows, Touched* touched);
  void FoldHoldRow(const std::string& key, const std::optional<Bytes>& value, IndexBatch& rows);
  static void FoldHold(ShardImpl& shard, const std::string& key, ByteSpan value);
  // Those of a stream whose shard was made just now.
  void LoadHolds(ShardImpl& shard, const StreamName& stream);
  // Takes the stream with this catalog key out of the tables; nullptr if there is none.
  // streams_mutex_ held.
  std::shared_ptr<ShardImpl> ForgetStream(const std::string& key, Touched* touched);
  std::shared_ptr<ShardImpl> FindShard(const ShardId& id) const;
  // `info` is what the stream is to become, with the version that it was changed from.
  Task<Result<StreamInfo>> RewriteStream(StreamInfo info);
  Result<StreamRow> ReadStreamRow(const std::string& key, ByteSpan value) const;
  void NoteUnreadable(const std::string& key, const Error& error);  // streams_mutex_ held
  // The state to be kept of a shard that may be one of an unreadable stream; nullptr if there is
  // none such.
  ShardState* KeptState(const ShardId& id);  // streams_mutex_ held

  // Opening.
  Status PrepareFolder();
  Status ReadFormatFile();
  Result<std::vector<LaneLog>> ScanLanes();
  Status LoadFromIndex();
  Status LoadFromSnapshots(const std::vector<LaneLog>& logs, IndexBatch& rows);
  void MakeShards(std::map<ShardId, ShardState> states);
  Status FoldLogs(std::vector<LaneLog>& logs, const std::vector<Lsn>& from);
  Status FoldMetadata(const std::vector<LaneLog>& logs, const std::vector<Lsn>& from,
                      Touched& touched);
  Status FoldCopies(LaneLog& log, Lsn from, IndexBatch& rows, Touched& touched);
  Status LoadIslands();
  void RegisterSegments(const LaneLog& log, std::vector<MetaRecord>& records) const;
  Status StartLanes(const std::vector<LaneLog>& logs);
  Status SyncAdopted(const std::vector<LaneLog>& logs);
  Status FillHoles(const std::vector<LaneLog>& logs);
  Status FillHoles(ShardImpl& shard, std::span<const SegmentRecord> lost);
  Status EndReserved(ShardImpl& shard);
  void StartTimer();

  // Retention; on the background thread.
  Status RunRetention(ServerTime now);
  Status RemoveExpired(LaneState& state, ServerTime now);
  Status MakeRoom();
  void LookAgainAtAll();
  using Ends = std::vector<std::pair<std::shared_ptr<ShardImpl>, uint64_t>>;
  Result<std::optional<Ends>> FindEnds(Segment& segment);
  bool IsHeld(const Footer& footer, const Ends& ends) const;
  // What is to go of one lane.
  struct Removal {
    std::vector<std::shared_ptr<Segment>> segments;
    std::map<ShardId, uint64_t> marks;  // what must be hidden durably before
    std::vector<SegmentSeq> lost;       // missing for good
  };
  Status Remove(LaneState& state, const Removal& removal);
  // Missing segments that can hold nothing any more that is kept.
  std::vector<SegmentSeq> ExpiredLosses(LaneState& state, int64_t now_ms);
  // Cleaning; store_cleaning.cc.
  struct Survivor {
    std::shared_ptr<ShardImpl> shard;
    StoredItem item;
  };
  struct Living {
    std::vector<Survivor> items;        // nowhere else
    uint64_t bytes = 0;                 // of what is kept
    uint64_t all_bytes = 0;             // of every item of the segment
    std::map<ShardId, uint64_t> marks;  // what hides the rest must be durable before it goes

    bool IsMuch() const { return 2 * bytes >= all_bytes; }
  };
  struct CleaningRound {
    int64_t now_ms = 0;
    size_t looks = 0;
    uint64_t bytes = 0;  // copied so far
    bool ended = false;
  };
  bool IsSpaceWanted() const;
  Status Clean(ServerTime now);
  Status CleanLane(LaneState& state, CleaningRound& round);
  Status CleanSegment(LaneState& state, const std::shared_ptr<Segment>& segment,
                      CleaningRound& round);
  Result<std::optional<Living>> FindLiving(LaneState& state, Segment& segment);
  Result<bool> IsOnlyIn(LaneState& state, const Segment& segment, const ShardImpl& shard,
                        const ItemRecord& item);
  Status CopySurvivors(LaneState& state, const Segment& segment, std::vector<Survivor> survivors,
                       CleaningRound& round);
  void RefreshSpace();
  void ResumeIndex();
  void SetIndexFull(bool full);
  void TellLanesFull();
  void WriteSnapshot(uint32_t lane, SegmentSeq sequence, Lsn first_lsn);
  Status RemoveOldMeta(Lane& lane, SegmentSeq before);
  Status SubmitAndWait(Lane& lane, std::vector<MetaRecord> records);
  // Returns when they are folded, or durable while folds wait.
  Status SubmitAndWait(Lane& lane, std::vector<Submission> submissions);

  void CloseNow();
  void FinishBackground();
  uint32_t LaneFor(const ShardId& shard) const;

  // Set once.
  const StoreOptions options_;
  Disk& disk_;
  Clock& clock_;
  std::shared_ptr<void> folder_lock_;
  Uuid id_{};
  uint64_t segment_bytes_ = 0;

  std::unique_ptr<Index> index_;
  CatalogImpl catalog_;
  std::vector<std::unique_ptr<LaneState>> lanes_;

  mutable std::mutex streams_mutex_;
  std::map<StreamName, StreamRow> streams_;
  std::unordered_map<ShardId, std::shared_ptr<ShardImpl>> shards_;
  // Catalog keys of streams whose rows cannot be read. While there are any, whatever no readable
  // stream claims may be theirs: its segments and its states are kept, and the index, which lacks
  // their rows, is built anew at the next opening.
  std::set<std::string> unreadable_;
  std::map<ShardId, ShardState> kept_;

  std::atomic<bool> read_only_{false};
  std::atomic<bool> full_{false};
  std::atomic<bool> index_full_{false};  // a write of the index waits for room, or folds do
  bool holds_in_the_way_ = false;        // of making room; the background thread's
  std::atomic<bool> look_again_{false};  // a hold was released, or less is kept of a stream
  std::atomic<uint64_t> volume_bytes_{0};
  std::atomic<uint64_t> volume_free_bytes_{0};

  std::mutex timer_mutex_;
  std::condition_variable timer_wake_;
  bool timer_stopping_ = false;
  std::atomic<bool> retention_queued_{false};
  std::thread timer_;
  bool closed_ = false;
  std::atomic<bool> closing_{false};  // for who comes to the background thread late

  // Destroyed first: they use everything above. A closed store still has them, for calls that raced
  // with its closing.
  std::unique_ptr<ThreadPool> readers_;
  std::unique_ptr<ThreadPool> background_;
};

// Value of a stream's catalog entry.
Bytes EncodeStreamRow(const StreamInfo& info, uint32_t lane);
Result<std::pair<StreamInfo, uint32_t>> DecodeStreamRow(std::string_view key, ByteSpan value);

// The index can be continued if all that is newer than it is still in the log.
bool IsUsable(const Index& index, const std::vector<LaneLog>& logs);

// The FORMAT file. kNotFound if there is none.
Result<Uuid> ReadFormat(Disk& disk, const std::filesystem::path& directory);

}  // namespace penstock::store
