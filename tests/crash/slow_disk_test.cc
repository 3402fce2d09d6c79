// A disk that takes its time: a live picture goes on with what is in memory, everybody else waits
// for what is durable, and an ordinal that has been shown never names another item.
#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

constexpr std::chrono::seconds kTooLong{2};

class SlowDiskTest : public StoreFixture {
 protected:
  static constexpr size_t kBodyBytes = 10'000;
  static constexpr size_t kMetaBytes = 10;

  SlowDiskTest() { options_.window_bytes_per_stream = 3 * (kBodyBytes + kMetaBytes); }

  store::NewItem Fragment(store::Slot slot, uint8_t seed) {
    store::NewItem item;
    item.run = std::exchange(run_, run_ == 0 ? slot.number().index : run_);
    item.slot = std::move(slot);
    item.duration = std::chrono::seconds(2);
    item.body = ByteChain(Bytes::From(std::string(kBodyBytes, static_cast<char>(seed))));
    item.meta = Bytes::Copy(std::string(kMetaBytes, static_cast<char>(seed)));
    return item;
  }
  void StartAppend(store::Slot slot, uint8_t seed) {
    StoreFixture::StartAppend(shard_, Fragment(std::move(slot), seed));
  }
  void StartDrop(store::Slot slot, uint8_t seed) {
    StoreFixture::StartDrop(shard_, Fragment(std::move(slot), seed));
  }
  store::Slot Slot() { return shard_->OpenSlot().value(); }

  // What was submitted before is durable.
  void Flush() {
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = "k";
    ASSERT_TRUE(SyncWait(store_->catalog().Txn({}, std::move(writes), "")).ok());
  }
  // Item 0 is stored, by a disk that took so long that ordinals are reserved; nothing is durable
  // from now on.
  void BeginSlow() {
    Open();
    shard_ = Create("cam");
    disk_->HoldSyncs();
    StartAppend(Slot(), 0);
    EXPECT_EQ(shard_->GetStatus().live_end, 0u) << "it may be quick enough";
    clock_.Advance(kTooLong);
    next_ = Slot();
    EXPECT_EQ(shard_->GetStatus().live_end, 0u) << "a crash could use its ordinal again";
    EXPECT_TRUE(shard_->FindLive(0, 10).empty());
    disk_->ReleaseSyncs();
    AwaitAll();
    Flush();
    disk_->HoldSyncs();
  }
  std::vector<store::ItemHeader> Live() {
    std::vector<store::ItemHeader> headers;
    for (const auto& ref : shard_->FindLive(0, 1000)) headers.push_back(ref.header);
    return headers;
  }
  void ExpectBody(uint64_t ordinal, uint8_t seed) {
    const auto refs = shard_->FindLive(ordinal, 1);
    ASSERT_EQ(refs.size(), 1u);
    ASSERT_EQ(refs.front().header.ordinal, ordinal);
    const auto bytes = SyncWait(shard_->Open(refs.front(), store::BodyForm::kMemory));
    ASSERT_TRUE(bytes.ok()) << bytes.error().ToString();
    EXPECT_EQ(AsText(ReadWhole(*bytes)), std::string(kBodyBytes, static_cast<char>(seed)));
    const auto meta = SyncWait(shard_->ReadMeta(refs.front()));
    ASSERT_TRUE(meta.ok()) << meta.error().ToString();
    EXPECT_EQ(AsText(*meta), std::string(kMetaBytes, static_cast<char>(seed)));
  }

  std::shared_ptr<store::Shard> shard_;
  store::Slot next_;
  store::RunId run_ = 0;
};

TEST_F(SlowDiskTest, WhatWaitsIsShownLiveAndToNobodyElse) {
  BeginSlow();
  EXPECT_EQ(shard_->GetStatus().live_end, 1u) << "nobody has said what the open slot is";
  StartAppend(std::move(next_), 1);
  StartDrop(Slot(), 2);
  StartAppend(Slot(), 3);
  { const store::Slot unused = Slot(); }
  const store::Slot open = Slot();

  const store::ShardStatus status = shard_->GetStatus();
  EXPECT_EQ(status.next_ordinal, 1u);
  EXPECT_EQ(status.live_end, 5u);
  EXPECT_EQ(status.items, 1u);
  EXPECT_EQ(List(shard_).size(), 1u);
  const std::vector<store::ItemHeader> live = Live();
  ASSERT_EQ(live.size(), 5u);
  for (size_t i = 0; i < live.size(); ++i) {
    EXPECT_EQ(live[i].ordinal, i);
    EXPECT_EQ(live[i].kind, i == 4 ? store::ItemKind::kAbandoned : store::ItemKind::kFragment);
    EXPECT_EQ((live[i].flags & store::kFlagDropped) != 0, i == 2);
  }
  for (uint8_t i = 0; i < 4; ++i) ExpectBody(i, i);
  EXPECT_EQ(shard_->FindLive(2, 1).front().header.ordinal, 2u);
  EXPECT_TRUE(shard_->FindLive(5, 10).empty());

  disk_->ReleaseSyncs();
  AwaitAll();
  Flush();
  EXPECT_EQ(shard_->GetStatus().next_ordinal, 5u);
  EXPECT_EQ(shard_->GetStatus().live_end, 5u);
  EXPECT_EQ(List(shard_).size(), 5u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(List(shard_)[i].number, live[i].number);
}

TEST_F(SlowDiskTest, WhatWasShownNeverNamesAnotherItem) {
  for (const IndexAge age : {IndexAge::kNewest, IndexAge::kNone, IndexAge::kDamaged}) {
    BeginSlow();
    StartAppend(std::move(next_), 1);
    for (uint8_t i = 2; i < 7; ++i) StartDrop(Slot(), i);
    const uint64_t shown = shard_->GetStatus().live_end;
    ASSERT_EQ(shown, 7u);
    shard_.reset();
    disk_->CutPower();
    disk_->ReleaseSyncs();
    begun_.clear();
    Close();
    disk_ = disk_->Crash(21, age);
    Open();
    ASSERT_NE(store_, nullptr);
    shard_ = Shard("cam");
    const std::vector<store::ItemHeader> headers = List(shard_);
    ASSERT_GE(headers.size(), shown);
    ASSERT_EQ(headers.size(), shard_->GetStatus().next_ordinal);
    EXPECT_EQ(headers[0].kind, store::ItemKind::kFragment);
    for (size_t i = 1; i < headers.size(); ++i) {
      EXPECT_EQ(headers[i].ordinal, i);
      // The disk may have had some of it before the power went.
      if (headers[i].kind == store::ItemKind::kFragment) {
        EXPECT_EQ(i, 1u);
        continue;
      }
      EXPECT_EQ(headers[i].kind, store::ItemKind::kGap) << i;
      if (headers[i].gap_reason == store::GapReason::kOverload) {
        EXPECT_LT(i, shown);
        continue;
      }
      EXPECT_EQ(headers[i].gap_reason, store::GapReason::kRestart) << i;
    }
    const auto header = Append(shard_, TestItem{.seed = 1});
    ASSERT_TRUE(header.ok()) << header.error().ToString();
    EXPECT_GE(header->ordinal, shown);
    shard_.reset();
    Close();
    disk_ = std::make_unique<FaultDisk>();
    run_ = 0;
  }
}

TEST_F(SlowDiskTest, ACleanEndLeavesNoGapsForWhatWasReserved) {
  for (const IndexAge age : {IndexAge::kNewest, IndexAge::kNone}) {
    BeginSlow();
    StartAppend(std::move(next_), 1);
    StartAppend(Slot(), 2);
    ASSERT_EQ(shard_->GetStatus().live_end, 3u);
    disk_->ReleaseSyncs();
    AwaitAll();
    shard_.reset();
    Close();
    disk_ = disk_->Crash(22, age);
    Open();
    ASSERT_NE(store_, nullptr);
    shard_ = Shard("cam");
    EXPECT_EQ(List(shard_).size(), 3u);
    const auto header = Append(shard_, TestItem{.seed = 1});
    ASSERT_TRUE(header.ok()) << header.error().ToString();
    EXPECT_EQ(header->ordinal, 3u);
    shard_.reset();
    Close();
    disk_ = std::make_unique<FaultDisk>();
    run_ = 0;
  }
}

TEST_F(SlowDiskTest, WhatWasDroppedIsAGapWhenItsBodyHasGone) {
  BeginSlow();
  StartAppend(std::move(next_), 1);
  for (uint8_t i = 2; i < 9; ++i) StartDrop(Slot(), i);
  const uint64_t changes = shard_->GetStatus().live_changes;
  for (uint8_t i = 9; i < 12; ++i) StartDrop(Slot(), i);
  EXPECT_EQ(shard_->GetStatus().live_changes, changes + 3) << "three became gaps for them";
  const std::vector<store::ItemHeader> live = Live();
  ASSERT_EQ(live.size(), 12u);
  for (size_t i = 0; i < live.size(); ++i) {
    const bool gone = i >= 2 && i < 9;
    EXPECT_EQ(live[i].kind, gone ? store::ItemKind::kGap : store::ItemKind::kFragment) << i;
    EXPECT_EQ(live[i].duration, std::chrono::seconds(2)) << i;
    EXPECT_EQ(live[i].run, live[0].run) << i;
  }
  for (uint8_t i = 9; i < 12; ++i) ExpectBody(i, i);
  disk_->ReleaseSyncs();
  AwaitAll();
  const std::vector<store::ItemHeader> stored = List(shard_);
  ASSERT_EQ(stored.size(), 12u);
  for (size_t i = 2; i < 9; ++i) {
    EXPECT_EQ(stored[i].kind, store::ItemKind::kGap) << i;
    EXPECT_EQ(stored[i].flags & store::kFlagDropped, 0u) << i;
    EXPECT_EQ(stored[i].gap_reason, store::GapReason::kOverload) << i;
    EXPECT_EQ(stored[i].duration, std::chrono::seconds(2)) << i;
  }
}

TEST_F(SlowDiskTest, TheNewestOfWhatWasDroppedStayWhateverTheirSize) {
  options_.window_bytes_per_stream = kBodyBytes / 2;
  BeginSlow();
  StartDrop(std::move(next_), 1);
  for (uint8_t i = 2; i < 6; ++i) StartDrop(Slot(), i);
  for (uint8_t i = 4; i < 6; ++i) ExpectBody(i, i);
  EXPECT_EQ(Live()[3].kind, store::ItemKind::kGap);
  disk_->ReleaseSyncs();
  AwaitAll();
  for (uint8_t i = 4; i < 6; ++i) ExpectBody(i, i);
}

TEST_F(SlowDiskTest, ReservationsStayAheadOfWhatIsShown) {
  BeginSlow();
  store::Slot slot = std::move(next_);
  // One fragment more each time, and the disk has the one before.
  for (int i = 1; i < 200; ++i) {
    StartAppend(std::move(slot), static_cast<uint8_t>(i));
    const uint64_t shown = shard_->GetStatus().live_end;
    ASSERT_EQ(shown, static_cast<uint64_t>(i) + 1);
    clock_.Advance(kTooLong);
    slot = Slot();
    disk_->ReleaseSyncs();
    AwaitAll();
    Flush();
    disk_->HoldSyncs();
  }
  disk_->ReleaseSyncs();
}

}  // namespace
}  // namespace penstock::testing
