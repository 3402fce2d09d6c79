// A full disk is a state: refused, not crashed; readable all the while; over when there is room
// again.
#include <map>

#include <fmt/format.h>

#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

constexpr uint64_t kCapacity = 12u << 20;

class FullDiskTest : public StoreFixture {
 protected:
  FullDiskTest() {
    disk_->SetCapacity(kCapacity);
    Open();
    shard_ = Create("cam");
  }
  ~FullDiskTest() override { shard_.reset(); }

  void AppendUntilRefused() {
    while (true) {
      const TestItem item{.seed = ++items_};
      const auto header = Append(shard_, item);
      if (!header.ok()) {
        EXPECT_EQ(header.error().code(), ErrorCode::kFull) << header.error().ToString();
        return;
      }
      acked_.emplace(header->ordinal, item);
      // The store looks at the volume every few seconds; here, every few items.
      if (items_ % 8 == 0) (void)SyncWait(store_->EnforceRetention());
      ASSERT_LT(acked_.size(), 20'000u) << "the disk never fills";
    }
  }
  // Refusing ends by itself, at the latest with the next round of housekeeping.
  bool TakesAppendsAgain() {
    (void)SyncWait(store_->EnforceRetention());
    const TestItem item{.seed = ++items_};
    const auto header = Append(shard_, item);
    if (header.ok()) acked_.emplace(header->ordinal, item);
    return header.ok();
  }
  void ExpectEverythingAcked() {
    for (const auto& [ordinal, item] : acked_)
      EXPECT_EQ(Check(shard_, ordinal, item), "") << "ordinal " << ordinal;
  }

  std::shared_ptr<store::Shard> shard_;
  uint64_t items_ = 0;
  std::map<uint64_t, TestItem> acked_;
};

TEST_F(FullDiskTest, AppendsAreRefusedAndReadsGoOn) {
  AppendUntilRefused();
  EXPECT_GT(acked_.size(), 500u);
  EXPECT_TRUE(store_->GetStats().full);
  EXPECT_FALSE(store_->GetStats().read_only);
  EXPECT_GT(disk_->GetSpace("/store")->free_bytes, 0u) << "nothing is left for metadata";
  ExpectEverythingAcked();
}

TEST_F(FullDiskTest, TheCatalogCanStillBeChangedAndItemsTrimmed) {
  AppendUntilRefused();
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = "k";
  writes[0].value = Bytes::Copy("v");
  EXPECT_TRUE(SyncWait(store_->catalog().Txn({}, std::move(writes), "")).ok());
  EXPECT_TRUE(SyncWait(shard_->Trim(3)).ok());
  EXPECT_EQ(List(shard_).front().ordinal, 3u);
}

TEST_F(FullDiskTest, ASlotThatIsDroppedBecauseTheDiskIsFullBecomesAGapOfThatReason) {
  store::Slot slot = shard_->OpenSlot().value();
  const uint64_t ordinal = slot.ordinal();
  // Nothing is seen beyond an open slot, so that it is the drop which lets everything through.
  AppendUntilRefused();
  const auto dropped = SyncWait(shard_->Drop(TestItem{.seed = 999'999}.Make(std::move(slot), 0),
                                             store::GapReason::kDiskFull));
  ASSERT_TRUE(dropped.ok()) << dropped.error().ToString();
  EXPECT_EQ(dropped->ordinal, ordinal);
  ExpectEverythingAcked();
  shard_.reset();
  disk_->SetCapacity(2 * kCapacity);
  Close();
  Open();
  shard_ = Shard("cam");
  const std::vector<store::ItemHeader> headers = List(shard_);
  ASSERT_FALSE(headers.empty());
  EXPECT_EQ(headers.front().ordinal, ordinal);
  EXPECT_EQ(headers.front().kind, store::ItemKind::kGap);
  EXPECT_EQ(headers.front().gap_reason, store::GapReason::kDiskFull);
}

TEST_F(FullDiskTest, AppendsGoOnWhenThereIsRoomAgain) {
  AppendUntilRefused();
  EXPECT_FALSE(TakesAppendsAgain());
  disk_->SetCapacity(2 * kCapacity);
  EXPECT_TRUE(TakesAppendsAgain());
  EXPECT_FALSE(store_->GetStats().full);
  ExpectEverythingAcked();
}

TEST_F(FullDiskTest, ExpiredSegmentsMakeRoomByThemselves) {
  AppendUntilRefused();
  acked_.clear();
  clock_.Advance(std::chrono::hours(25));
  EXPECT_TRUE(TakesAppendsAgain());
  ExpectEverythingAcked();
}

TEST_F(FullDiskTest, AFullStoreOpensAgainWithEverythingInIt) {
  AppendUntilRefused();
  shard_.reset();
  Crash(7);
  shard_ = Shard("cam");
  ExpectEverythingAcked();
}

// Somebody else fills the volume: the write itself fails with ENOSPC, not our own accounting before
// it.
TEST_F(FullDiskTest, AWriteThatFindsNoSpaceFailsAloneAndNothingAckedIsLost) {
  for (uint64_t left = 0; left < 12; ++left) {
    for (int i = 0; i < 20; ++i) TakesAppendsAgain();
    const store::Disk::Space space = disk_->GetSpace("/store").value();
    disk_->SetCapacity(space.total_bytes - space.free_bytes + left * 4096);
    AppendUntilRefused();
    ExpectEverythingAcked();
    disk_->SetCapacity(4 * kCapacity);
    ASSERT_TRUE(TakesAppendsAgain()) << "with " << left << " blocks left";
  }
  ExpectEverythingAcked();
  shard_.reset();
  Crash(3, IndexAge::kNone);
  shard_ = Shard("cam");
  ExpectEverythingAcked();
}

}  // namespace
}  // namespace penstock::testing
