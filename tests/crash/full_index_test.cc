// The disk of the index is full, the log's is not: nothing acknowledged is lost, and it goes on by
// itself when there is room.
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "store/metrics.h"
#include "tests/crash/store_fixture.h"
#include "tests/testing_store/index_disk.h"

namespace penstock::testing {
namespace {

class FullIndexTest : public StoreFixture {
 protected:
  FullIndexTest() { Start(); }
  ~FullIndexTest() override {
    room_->MakeRoom();
    End();
  }

  void Start() {
    room_ = &disk_->LimitIndex();
    Open();
    if (!store_->GetStream(StreamName::Parse("cam").value())) {
      Create("cam");
      Create("other");
    }
    shard_ = Shard("cam");
    other_ = Shard("other");
  }
  // Who waits for the index has an answer when the store is closed.
  void End() {
    if (store_ != nullptr) SyncWait(store_->Close());
    if (writer_.joinable()) writer_.join();
    // The writer has looked at them to its end.
    shard_.reset();
    other_.reset();
    Close();
  }

  // On a thread of its own, since it may have to wait: items and enough metadata that snapshots are
  // written and the index is flushed, until something is refused, or for a while.
  void StartWriting() {
    if (writer_.joinable()) writer_.join();
    written_.store(false);
    writer_ = std::thread([this, shard = shard_] {
      for (int i = 0; i < 12 && Write(shard); ++i) {
        std::vector<store::CatalogWrite> writes(1);
        writes[0].key = "k";
        writes[0].value = Bytes::Copy(std::string(60'000, 'v'));
        if (!SyncWait(store_->catalog().Txn({}, std::move(writes), "")).ok()) break;
      }
      written_.store(true);
    });
  }
  bool Write(const std::shared_ptr<store::Shard>& shard) {
    const TestItem item{.seed = ++items_};
    const auto header = Append(shard, item);
    if (!header.ok()) return false;
    const std::lock_guard lock(mutex_);
    acked_.emplace(std::pair(shard == other_, header->ordinal), item);
    return true;
  }
  void FillAt(uint64_t write) {
    refused_before_ = room_->refused();
    room_->FillAt(write);
    StartWriting();
  }
  // Whether the index has met its full disk.
  bool AwaitFull() {
    for (;;) {
      while (!store_->GetStats().full && !written_.load()) std::this_thread::yield();
      if (store_->GetStats().full) break;
      // Behind the last flush.
      (void)SyncWait(store_->EnforceRetention());
      if (room_->refused() == refused_before_) return false;
      StartWriting();
    }
    // Everybody has been told.
    (void)SyncWait(store_->EnforceRetention());
    return store_->GetStats().full;
  }
  void AwaitRoom() {
    while (store_->GetStats().full) (void)SyncWait(store_->EnforceRetention());
    writer_.join();
  }
  void ExpectEverythingAcked() {
    const std::lock_guard lock(mutex_);
    for (const auto& [place, item] : acked_) {
      EXPECT_EQ(Check(place.first ? other_ : shard_, place.second, item), "")
          << (place.first ? "other " : "cam ") << place.second;
    }
    EXPECT_FALSE(store_->GetStats().read_only);
  }
  // What the index says and what the log says are the same.
  void ExpectFoldOfTheLogIsTheIndex() {
    const auto before = List(shard_);
    End();
    const auto report = store::Store::Check(options_.directory, *disk_);
    ASSERT_TRUE(report.ok()) << report.error().ToString();
    for (const auto& finding : report->findings)
      EXPECT_FALSE(finding.harmful) << finding.where << ": " << finding.what;
    disk_ = disk_->Kill(1, IndexAge::kNone);
    Start();
    const auto after = List(shard_);
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(before[i].number, after[i].number) << i;
    ExpectEverythingAcked();
  }

  IndexDisk* room_ = nullptr;
  uint64_t refused_before_ = 0;
  std::shared_ptr<store::Shard> shard_;
  std::shared_ptr<store::Shard> other_;
  std::atomic<uint64_t> items_{0};
  std::thread writer_;
  std::atomic<bool> written_{false};
  std::mutex mutex_;
  std::map<std::pair<bool, uint64_t>, TestItem> acked_;  // whether of `other`, and the ordinal
};

TEST_F(FullIndexTest, ItGoesOnByItselfWhicheverWriteFoundNoRoom) {
  int met = 0;
  for (uint64_t write = 1; write < 24; write += 2) {
    SCOPED_TRACE(write);
    FillAt(write);
    if (AwaitFull()) {
      ++met;
      const auto refused = Append(other_, TestItem{.seed = ++items_});
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().code(), ErrorCode::kFull) << refused.error().ToString();
      // It plays, though it is not stored.
      EXPECT_EQ(List(other_).back().gap_reason, store::GapReason::kDiskFull);
      (void)SyncWait(store_->EnforceRetention());
      EXPECT_TRUE(store_->GetStats().full);
      ExpectEverythingAcked();
    }
    room_->MakeRoom();
    AwaitRoom();
    ASSERT_TRUE(Write(shard_));
    ASSERT_TRUE(Write(other_));
    ExpectEverythingAcked();
  }
  EXPECT_GT(met, 5);
  ExpectFoldOfTheLogIsTheIndex();
}

TEST_F(FullIndexTest, ACrashThenLosesNothingWhateverIsLeftOfTheIndex) {
  uint64_t write = 0;
  for (const IndexAge age : {IndexAge::kNewest, IndexAge::kDamaged, IndexAge::kNone}) {
    for (const bool power : {false, true}) {
      write += 3;
      SCOPED_TRACE(write);
      FillAt(write);
      ASSERT_TRUE(AwaitFull());
      ASSERT_FALSE(Append(other_, TestItem{.seed = ++items_}).ok());
      disk_->CutPower();
      End();
      disk_ = power ? disk_->Crash(write, age) : disk_->Kill(write, age);
      Start();
      ExpectEverythingAcked();
      ASSERT_TRUE(Write(shard_));
      ASSERT_TRUE(Write(other_));
    }
  }
  ExpectFoldOfTheLogIsTheIndex();
}

// What makes the room may be what the store itself removes.
TEST_F(FullIndexTest, ExpiredSegmentsGoAllTheSame) {
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(Write(shard_));
  FillAt(1);
  ASSERT_TRUE(AwaitFull());
  const uint64_t before = store_->GetStats().segment_files;
  clock_.Advance(std::chrono::hours(25));
  for (int i = 0; i < 3; ++i) (void)SyncWait(store_->EnforceRetention());
  EXPECT_TRUE(store_->GetStats().full);
  EXPECT_LT(store_->GetStats().segment_files, before);
  room_->MakeRoom();
  AwaitRoom();
  acked_.clear();
  ASSERT_TRUE(Write(shard_));
  ExpectEverythingAcked();
  ExpectFoldOfTheLogIsTheIndex();
}

// What waits in memory has a bound. Beyond it the log takes nothing but what may make room.
class TooMuchWaitsTest : public FullIndexTest {
 protected:
  void WaitForTooMuch() {
    FillAt(1);
    ASSERT_TRUE(AwaitFull());
    room_->FillAt(1);
    if (writer_.joinable()) writer_.join();
    writer_ = std::thread([this] {
      Status changed;
      for (; changed.ok(); ++changes_) changed = Change(changes_ + 1);
    });
    while (store::StoreMetrics::Get().folds_wait.value() == 0) std::this_thread::yield();
    const Status refused = Change(0);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kFull) << refused.error().ToString();
    EXPECT_TRUE(store_->GetStats().full);
    EXPECT_FALSE(store_->GetStats().read_only);
  }
  Status Change(uint64_t to) {
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = "changes";
    writes[0].value = Bytes::Copy(std::to_string(to) + std::string(60'000, ' '));
    return SyncWait(store_->catalog().Txn({}, std::move(writes), ""));
  }
  uint64_t Changed() {
    return std::stoull(std::string(store_->catalog().Get("changes").value().value.text()));
  }
  std::atomic<uint64_t> changes_{0};
};

TEST_F(TooMuchWaitsTest, ItGoesOnWhenThereIsRoomAndNothingIsFoldedTwiceOrNever) {
  ASSERT_NO_FATAL_FAILURE(WaitForTooMuch());
  // Live goes on, by what may make room or needs no index.
  const auto refused = Append(other_, TestItem{.seed = ++items_});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFull) << refused.error().ToString();
  EXPECT_EQ(List(other_).back().gap_reason, store::GapReason::kDiskFull);
  const uint64_t before = store_->GetStats().segment_files;
  clock_.Advance(std::chrono::hours(25));
  for (int i = 0; i < 3; ++i) (void)SyncWait(store_->EnforceRetention());
  EXPECT_LT(store_->GetStats().segment_files, before);
  acked_.clear();
  room_->MakeRoom();
  while (store_->GetStats().full) (void)SyncWait(store_->EnforceRetention());
  EXPECT_EQ(store::StoreMetrics::Get().folds_wait.value(), 0);
  ASSERT_TRUE(Write(shard_));
  ASSERT_TRUE(Write(other_));
  // The writer goes on, too, until it is told to end.
  disk_->CutPower();
  writer_.join();
  const uint64_t changed = Changed();
  EXPECT_GE(changed, changes_.load() - 1);
  const auto items = List(shard_);
  End();
  disk_ = disk_->Kill(1, IndexAge::kNone);
  Start();
  EXPECT_GE(Changed(), changed);
  EXPECT_EQ(List(shard_).size(), items.size());
  ExpectEverythingAcked();
}

TEST_F(TooMuchWaitsTest, ACrashOrAClosingThenLosesNothing) {
  for (const bool crash : {false, true}) {
    changes_.store(0);
    ASSERT_NO_FATAL_FAILURE(WaitForTooMuch());
    if (crash) disk_->CutPower();
    End();
    EXPECT_EQ(store::StoreMetrics::Get().folds_wait.value(), 0);
    if (crash) disk_ = disk_->Crash(5, IndexAge::kNewest);
    if (!crash) room_->MakeRoom();
    Start();
    // The last was durable, though nobody was told.
    EXPECT_GE(Changed(), changes_.load() - 1);
    ExpectEverythingAcked();
    ASSERT_TRUE(Write(shard_));
  }
  ExpectFoldOfTheLogIsTheIndex();
}

// A store that is closed meanwhile answers everyone, and opens again with what was acknowledged.
TEST_F(FullIndexTest, TheClosingWaitsForNoRoom) {
  FillAt(2);
  ASSERT_TRUE(AwaitFull());
  End();
  room_->MakeRoom();
  Start();
  ExpectEverythingAcked();
  ExpectFoldOfTheLogIsTheIndex();
}

}  // namespace
}  // namespace penstock::testing
