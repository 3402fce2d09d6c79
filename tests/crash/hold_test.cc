// A hold that was acknowledged is honoured, wherever the power goes and whatever is left of the
// index, while the volume takes everything around it to make room.
#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

constexpr uint64_t kCapacity = 16u << 20;

class CrashHoldTest : public StoreFixture {
 protected:
  CrashHoldTest() {
    disk_->SetCapacity(kCapacity);
    options_.min_free_bytes = 6u << 20;
    options_.retention_interval = std::chrono::milliseconds(0);
    Open();
    shard_ = Create("a");
  }
  ~CrashHoldTest() override { shard_.reset(); }

  // Until the power goes.
  void Record(int items) {
    for (int i = 0; i < items && !disk_->power_lost(); ++i) {
      clock_.Advance(std::chrono::milliseconds(100));
      const TestItem item{.seed = ++items_};
      const auto header = Append(shard_, item);
      if (header.ok()) acked_[header->ordinal] = item;
      if (items_ % 8 == 0) (void)SyncWait(store_->EnforceRetention());
    }
  }
  void ExpectHeld() {
    for (uint64_t ordinal = first_; ordinal <= last_; ++ordinal)
      EXPECT_EQ(Check(shard_, ordinal, acked_.at(ordinal)), "") << "ordinal " << ordinal;
  }
  void Reopen(uint64_t seed, IndexAge index) {
    shard_.reset();
    Crash(seed, index);
    shard_ = Shard("a");
    disk_->SetCapacity(kCapacity);
  }
  ServerTime TimeOf(uint64_t ordinal) {
    const auto refs = SyncWait(shard_->Find(store::FromOrdinal{ordinal}, 1)).value();
    return refs.at(0).header.server_time;
  }

  std::shared_ptr<store::Shard> shard_;
  uint64_t items_ = 0;
  std::map<uint64_t, TestItem> acked_;
  uint64_t first_ = 20;
  uint64_t last_ = 60;
};

TEST_F(CrashHoldTest, WhatIsAcknowledgedAsHeldOutlivesEveryPowerCut) {
  Record(200);
  const auto hold = SyncWait(
      store_->AddHold({StreamName::Parse("a").value(), TimeOf(first_), TimeOf(last_ + 1), "x"}));
  ASSERT_TRUE(hold.ok()) << hold.error().ToString();
  // At once: nothing but its acknowledgement speaks for it.
  Reopen(1, IndexAge::kNone);
  ASSERT_EQ(store_->ListHolds(std::nullopt).size(), 1u);
  for (uint64_t seed = 2; seed < 14; ++seed) {
    disk_->SnapshotIndex();
    disk_->CutPowerAfter(40 * seed);
    Record(600);
    const IndexAge ages[] = {IndexAge::kNewest, IndexAge::kNone, IndexAge::kOlder};
    Reopen(seed, ages[seed % 3]);
    ExpectHeld();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
  Record(3000);
  EXPECT_GT(shard_->GetStatus().oldest_ordinal, last_) << "nothing was taken";
  ExpectHeld();
  ASSERT_TRUE(SyncWait(store_->ReleaseHold(hold->id)).ok());
  EXPECT_NE(Check(shard_, first_, acked_.at(first_)), "");
  Reopen(99, IndexAge::kOlder);
  EXPECT_NE(Check(shard_, first_, acked_.at(first_)), "");
  EXPECT_TRUE(store_->ListHolds(std::nullopt).empty());
  EXPECT_TRUE(shard_->GetStatus().held.empty());
}

}  // namespace
}  // namespace penstock::testing
