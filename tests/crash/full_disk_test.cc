// A full disk is a state: refused, not crashed; readable all the while; over when there is room
// again.
#include <map>
#include <optional>
#include <thread>

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
  auto other = Create("other");
  store::Slot slot = other->OpenSlot().value();
  const uint64_t ordinal = slot.ordinal();
  AppendUntilRefused();
  const auto dropped = SyncWait(
      other->Drop(TestItem{.seed = 999'999}.Make(std::move(slot), 0), store::GapReason::kDiskFull));
  ASSERT_TRUE(dropped.ok()) << dropped.error().ToString();
  EXPECT_EQ(dropped->ordinal, ordinal);
  ExpectEverythingAcked();
  shard_.reset();
  other.reset();
  disk_->SetCapacity(2 * kCapacity);
  Close();
  Open();
  shard_ = Shard("cam");
  ExpectEverythingAcked();
  const std::vector<store::ItemHeader> headers = List(Shard("other"));
  ASSERT_EQ(headers.size(), 1u);
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

// Appends that were refused keep their ordinals as gaps; readers see every one of them, at once and
// for good.
class RefusedAppendsTest : public FullDiskTest {
 protected:
  std::map<uint64_t, store::GapReason> told_;
  uint64_t ended_at_ = UINT64_MAX;  // the end of what was stored when the server ended

  // No room at all, but what is preallocated is used up first. A few more are refused.
  void Refuse() {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(TakesAppendsAgain());
    disk_->SetCapacity(1);
    int refused = 0;
    for (int i = 0; i < 5000 && refused < 7; ++i) {
      const TestItem item{.seed = ++items_};
      const auto header = Append(shard_, item);
      if (header.ok()) acked_.emplace(header->ordinal, item);
      if (!header.ok()) ++refused;
    }
    ASSERT_EQ(refused, 7);
  }
  void ExpectDense() {
    const store::ShardStatus status = shard_->GetStatus();
    const std::vector<store::ItemHeader> headers = List(shard_);
    ASSERT_EQ(headers.size(), status.next_ordinal);
    EXPECT_EQ(status.items, headers.size());
    EXPECT_EQ(status.oldest_ordinal, 0u);
    for (size_t i = 0; i < headers.size(); ++i) {
      EXPECT_EQ(headers[i].ordinal, i);
      if (acked_.contains(i)) continue;
      const bool live = (headers[i].flags & store::kFlagDropped) != 0;
      EXPECT_EQ(headers[i].kind, live ? store::ItemKind::kFragment : store::ItemKind::kGap) << i;
      // What was reserved and never stored is the restart's, as long as it is there.
      const store::GapReason reason = headers[i].gap_reason;
      const auto [told, is_new] = told_.try_emplace(i, reason);
      EXPECT_EQ(told->second, reason) << i;
      if (!is_new || (reason == store::GapReason::kRestart && i >= ended_at_)) continue;
      EXPECT_EQ(reason, store::GapReason::kDiskFull) << i;
    }
    // One at a time, and by time.
    for (size_t i = 0; i < headers.size(); ++i) {
      const auto one = SyncWait(shard_->Find(store::FromOrdinal{i}, 1)).value();
      ASSERT_EQ(one.size(), 1u);
      EXPECT_EQ(one.front().header.ordinal, i);
    }
    ExpectEverythingAcked();
  }
};

TEST_F(RefusedAppendsTest, TheirGapsAreSeenWhileTheDiskIsFullAndAfterwards) {
  Refuse();
  ExpectDense();
  const uint64_t refused_end = shard_->GetStatus().next_ordinal;
  disk_->SetCapacity(1u << 30);
  const TestItem item{.seed = ++items_};
  const auto header = Append(shard_, item);
  ASSERT_TRUE(header.ok()) << header.error().ToString();
  acked_.emplace(header->ordinal, item);
  EXPECT_EQ(header->ordinal, refused_end);
  ExpectDense();
  ended_at_ = header->ordinal + 1;
  // They came into the log with that append.
  shard_.reset();
  Crash(11, IndexAge::kNone);
  shard_ = Shard("cam");
  ExpectDense();
}

TEST_F(RefusedAppendsTest, TheirGapsAreStoredByHousekeeping) {
  Refuse();
  disk_->SetCapacity(1u << 30);
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  // Behind them in the log, as a proof that they are there.
  ASSERT_TRUE(SyncWait(shard_->Trim(0)).ok());
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = "k";
  ASSERT_TRUE(SyncWait(store_->catalog().Txn({}, std::move(writes), "")).ok());
  ExpectDense();
  ended_at_ = shard_->GetStatus().next_ordinal;
  shard_.reset();
  Crash(12, IndexAge::kNewest);
  shard_ = Shard("cam");
  ExpectDense();
}

TEST_F(RefusedAppendsTest, TheirGapsAreStoredAtTheClosing) {
  Refuse();
  disk_->SetCapacity(1u << 30);
  ended_at_ = shard_->GetStatus().next_ordinal;
  shard_.reset();
  Close();
  Open();
  shard_ = Shard("cam");
  EXPECT_EQ(shard_->GetStatus().next_ordinal, ended_at_) << "what was reserved is given back";
  ExpectDense();
}

// There is room for that record, and none for their gaps.
TEST_F(RefusedAppendsTest, TheClosingGivesBackNothingThatWasShown) {
  for (const IndexAge age : {IndexAge::kNewest, IndexAge::kNone}) {
    Refuse();
    const uint64_t shown = shard_->GetStatus().next_ordinal;
    ASSERT_GT(shown, acked_.rbegin()->first + 1);
    ended_at_ = acked_.rbegin()->first + 1;
    shard_.reset();
    Close();
    disk_ = disk_->Crash(16, age);
    disk_->SetCapacity(1u << 30);
    Open();
    ASSERT_NE(store_, nullptr);
    shard_ = Shard("cam");
    EXPECT_EQ(shard_->GetStatus().next_ordinal, shown);
    ExpectDense();
    ended_at_ = UINT64_MAX;
  }
}

// Players keep segments by name, and a name has the ordinal in it.
TEST_F(RefusedAppendsTest, ACrashWhileTheDiskIsFullUsesNoOrdinalAgain) {
  for (const IndexAge age : {IndexAge::kNewest, IndexAge::kNone, IndexAge::kDamaged}) {
    Refuse();
    const uint64_t shown = shard_->GetStatus().next_ordinal;
    ASSERT_EQ(List(shard_).back().gap_reason, store::GapReason::kDiskFull);
    ASSERT_GT(shown, acked_.rbegin()->first + 1);
    ended_at_ = acked_.rbegin()->first + 1;
    shard_.reset();
    disk_->CutPower();
    Close();
    disk_ = disk_->Crash(13, age);
    disk_->SetCapacity(1u << 30);
    Open();
    ASSERT_NE(store_, nullptr);
    shard_ = Shard("cam");
    EXPECT_GE(shard_->GetStatus().next_ordinal, shown);
    ExpectDense();
    const TestItem item{.seed = ++items_};
    const auto header = Append(shard_, item);
    ASSERT_TRUE(header.ok()) << header.error().ToString();
    EXPECT_GE(header->ordinal, shown);
    acked_.emplace(header->ordinal, item);
    ExpectDense();
    // What was reserved is used up: a crash now costs no more gaps.
    shard_.reset();
    Crash(14, age);
    ASSERT_NE(store_, nullptr);
    shard_ = Shard("cam");
    EXPECT_EQ(shard_->GetStatus().next_ordinal, header->ordinal + 1);
    ExpectDense();
    ended_at_ = UINT64_MAX;
  }
}

// Not even metadata finds a place: what cannot be promised to stay is not shown.
TEST_F(RefusedAppendsTest, WithoutRoomForTheReservationTheGapIsShownWhenItIsStored) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(TakesAppendsAgain());
  disk_->SetCapacity(1);
  // Metadata uses up what is preallocated for it.
  Status written;
  for (int i = 0; i < 5000 && written.ok(); ++i) {
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = "k";
    writes[0].value = Bytes::Copy(std::string(60'000, 'v'));
    written = SyncWait(store_->catalog().Txn({}, std::move(writes), ""));
  }
  ASSERT_FALSE(written.ok());
  ASSERT_EQ(written.error().code(), ErrorCode::kFull);
  std::optional<uint64_t> hidden;
  for (int i = 0; i < 5000 && !hidden; ++i) {
    const TestItem item{.seed = ++items_};
    const auto header = Append(shard_, item);
    if (header.ok()) acked_.emplace(header->ordinal, item);
    if (!header.ok()) hidden = acked_.rbegin()->first + 1;
  }
  ASSERT_TRUE(hidden.has_value());
  EXPECT_FALSE(store_->GetStats().read_only);
  EXPECT_EQ(shard_->GetStatus().next_ordinal, *hidden);
  disk_->SetCapacity(1u << 30);
  const TestItem item{.seed = ++items_};
  const auto header = Append(shard_, item);
  ASSERT_TRUE(header.ok()) << header.error().ToString();
  acked_.emplace(header->ordinal, item);
  EXPECT_EQ(header->ordinal, *hidden + 1);
  ExpectDense();
  shard_.reset();
  Crash(15, IndexAge::kNone);
  shard_ = Shard("cam");
  ExpectDense();
}

TEST_F(RefusedAppendsTest, TheirGapsExpireWithTheOthers) {
  Refuse();
  const uint64_t refused_end = shard_->GetStatus().next_ordinal;
  clock_.Advance(std::chrono::hours(25));
  EXPECT_EQ(shard_->GetStatus().items, 0u);
  EXPECT_EQ(shard_->GetStatus().oldest_ordinal, refused_end);
  EXPECT_TRUE(List(shard_).empty());
  disk_->SetCapacity(1u << 30);
  ASSERT_TRUE(Append(shard_, TestItem{.seed = ++items_}).ok());
  EXPECT_EQ(shard_->GetStatus().items, 1u);
  EXPECT_EQ(List(shard_).size(), 1u);
}

TEST_F(RefusedAppendsTest, TheirNumberIsBounded) {
  Refuse();
  for (int i = 0; i < 2000; ++i) (void)Append(shard_, TestItem{.seed = ++items_});
  const uint64_t end = shard_->GetStatus().next_ordinal;
  EXPECT_LT(end - acked_.rbegin()->first, 300u);
  disk_->SetCapacity(1u << 30);
  // The first refusal after that asks for the room; the log's thread finds it in its own time.
  for (bool taken = false; !taken; std::this_thread::yield()) {
    const TestItem item{.seed = ++items_};
    const auto header = Append(shard_, item);
    taken = header.ok();
    if (taken) acked_.emplace(header->ordinal, item);
  }
  ExpectDense();
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
