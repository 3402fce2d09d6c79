#include <filesystem>

#include "base/metrics.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RetentionTest : public StoreTest {
 protected:
  size_t Segments() {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with("h.segment")) ++count;
    }
    return count;
  }
  void Enforce() { ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok()); }
};

INSTANTIATE_TEST_SUITE_P(Lanes, RetentionTest, ::testing::Values(1, 2));

TEST_P(RetentionTest, ItemsAreHiddenExactlyOnTimeWithoutAnyPass) {
  Open();
  auto shard = Stream("a", 1);
  const ServerTime start = clock_.Now();
  Append(*shard, 100, 0);
  clock_.Advance(std::chrono::minutes(10));
  Append(*shard, 100, 1);
  const auto all = Find(*shard, FromOldest{});
  clock_.SetWall(start + std::chrono::hours(1) - std::chrono::milliseconds(1));
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(0, 1));
  clock_.SetWall(start + std::chrono::hours(1));
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(1));
  EXPECT_EQ(SyncWait(shard->Open(all[0], BodyForm::kMemory)).error().code(), ErrorCode::kTrimmed);
  EXPECT_EQ(shard->GetStatus().oldest_ordinal, 1u);
  EXPECT_EQ(shard->GetStatus().items, 1u);
}

TEST_P(RetentionTest, ASegmentGoesWhenAllOfItIsExpiredAndNotBefore) {
  options_.segment_span = std::chrono::seconds(60);
  Open();
  auto shard = Stream("a", 1);
  for (uint64_t i = 0; i < 20; ++i) {
    Append(*shard, 100, i);
    clock_.Advance(std::chrono::minutes(10));
    Enforce();
  }
  // 6 of 10 minutes apart are younger than an hour; each has a segment of its own.
  EXPECT_EQ(shard->GetStatus().items, 6u - 1u);
  EXPECT_LE(Segments(), 7u);
  EXPECT_GE(Segments(), 5u);
  shard.reset();
  Reopen();
  shard = Stream("a", 1);
  EXPECT_EQ(shard->GetStatus().items, 5u);
  for (const ItemRef& ref : Find(*shard, FromOldest{}))
    ExpectBytes(*shard, ref, 100, ref.header.ordinal);
  clock_.Advance(std::chrono::hours(2));
  Enforce();
  Enforce();
  EXPECT_EQ(Segments(), 0u);
  EXPECT_THAT(Find(*shard, FromOldest{}), IsEmpty());
  EXPECT_EQ(shard->GetStatus().oldest_ordinal, 20u);
  EXPECT_EQ(Append(*shard, 100, 20).ordinal, 20u);
  shard.reset();
  Close();
  fs::remove_all(options_.directory / "index");
  Open();
  shard = Stream("a", 1);
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(20));
}

TEST_P(RetentionTest, WhatALongerRetentionStillNeedsStays) {
  Open();
  auto shard = Stream("a", 1);
  Append(*shard, 100, 0);
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 100})).ok());
  shard.reset();
  Reopen();  // seals the segment of class 1 h
  shard = Stream("a");
  clock_.Advance(std::chrono::hours(50));
  Enforce();
  ASSERT_EQ(Find(*shard, FromOldest{}).size(), 1u);
  ExpectBytes(*shard, Find(*shard, FromOldest{})[0], 100, 0);
  clock_.Advance(std::chrono::hours(51));
  Enforce();
  EXPECT_THAT(Find(*shard, FromOldest{}), IsEmpty());
  EXPECT_EQ(Segments(), 0u);
}

TEST_P(RetentionTest, WhatHasExpiredStaysHiddenUnderALongerRetentionAndAfterAReopen) {
  Open();
  auto shard = Stream("cam1", 1);
  for (uint64_t i = 0; i < 3; ++i) Append(*shard, 500, i);
  clock_.Advance(std::chrono::hours(2));
  Append(*shard, 500, 3);
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("cam1"), {.retention_hours = 48})).ok());
  EXPECT_EQ(Ordinals(Find(*shard, FromOldest{})), std::vector<uint64_t>{3});
  shard.reset();
  Reopen();
  EXPECT_EQ(Ordinals(Find(*Stream("cam1"), FromOldest{})), std::vector<uint64_t>{3});
}

TEST_P(RetentionTest, ADeletedStreamsBytesGoWithTheirSegment) {
  Open();
  Append(*Stream("a", 1), 100, 0);
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("a"))).ok());
  Reopen();
  clock_.Advance(std::chrono::hours(2));
  Enforce();
  EXPECT_EQ(Segments(), 0u);
  EXPECT_EQ(Stream("a", 1)->GetStatus().next_ordinal, 0u);
}

TEST_P(RetentionTest, TheDiskGetsBackWhatABoundOfBytesHidBeforeItsTime) {
  options_.segment_span = std::chrono::seconds(60);
  Open();
  auto shard = Stream("a");
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.max_bytes = 250})).ok());
  const auto append = [&](uint64_t seed) {
    Append(*shard, 100, seed);
    if (seed == 5) Append(*Stream("b"), 100, seed);
    clock_.Advance(std::chrono::minutes(10));
    Enforce();
  };
  for (uint64_t i = 0; i < 40; ++i) append(i);
  EXPECT_EQ(shard->GetStatus().items, 2u);
  // Two that are shown, the one that is being written, and that of which another stream has a part.
  EXPECT_LE(Segments(), 5u);
  ExpectBytes(*Stream("b"), Find(*Stream("b"), FromOldest{})[0], 100, 5);
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("b"))).ok());
  const size_t before = Segments();
  for (uint64_t i = 40; i < 42; ++i) append(i);
  EXPECT_LT(Segments(), before);
  shard.reset();
  Reopen();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(40, 41));
}

// A slot that was opened first and filled last, when less was kept: its file goes first.
TEST_P(RetentionTest, TracksAreFoundWhenTheirNewestCopyGoesFirst) {
  Open();
  auto shard = Stream("a", 24);
  const auto item = [&](Slot slot) {
    NewItem out;
    out.slot = std::move(slot);
    out.body = ByteChain(Bytes::Copy("body"));
    out.track_set = Bytes::Copy("tracks");
    return out;
  };
  const auto append = [&](Slot slot) {
    auto appended = item(std::move(slot));
    return SyncWait(shard->Append(std::move(appended))).value();
  };
  Slot first = shard->OpenSlot().value();
  const TrackSetId id = append(shard->OpenSlot().value()).track_set;
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 1})).ok());
  EXPECT_EQ(append(std::move(first)).track_set, id);
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 24})).ok());
  ASSERT_TRUE(SyncWait(shard->Trim(1)).ok());
  shard.reset();
  Reopen();
  const size_t before = Segments();
  clock_.Advance(std::chrono::hours(2));
  Enforce();
  ASSERT_LT(Segments(), before);
  const auto set = SyncWait(Stream("a")->GetTrackSet(id));
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  EXPECT_EQ(set->body.text(), "tracks");
}

// The same while the file with the copy that is left is still written.
TEST_P(RetentionTest, TracksAreFoundInAFileThatIsStillWritten) {
  Open();
  auto shard = Stream("a", 24);
  const auto append = [&](Slot slot, const std::string& tracks) {
    NewItem item;
    item.slot = std::move(slot);
    item.body = ByteChain(Bytes::Copy("body"));
    item.track_set = Bytes::Copy(tracks);
    return SyncWait(shard->Append(std::move(item))).value();
  };
  Slot first = shard->OpenSlot().value();
  append(shard->OpenSlot().value(), "earlier tracks");
  const TrackSetId id = append(shard->OpenSlot().value(), "tracks").track_set;
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 1})).ok());
  EXPECT_EQ(append(std::move(first), "tracks").track_set, id);
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 24})).ok());
  ASSERT_TRUE(SyncWait(shard->Trim(1)).ok());
  // So many that they are not remembered.
  for (int i = 0; i < 4; ++i) append(shard->OpenSlot().value(), fmt::format("others {}", i));
  const size_t before = Segments();
  // Enough for a file of an hour to be closed and to go, not for one of a day to be closed.
  clock_.Advance(std::chrono::minutes(62));
  Enforce();
  Enforce();
  ASSERT_LT(Segments(), before);
  const auto set = SyncWait(shard->GetTrackSet(id));
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  EXPECT_EQ(set->body.text(), "tracks");
}

TEST_P(RetentionTest, AStreamKeepsNoMoreBytesThanItMay) {
  Open();
  auto shard = Stream("a");
  auto other = Stream("b");
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.max_bytes = 1000})).ok());
  for (uint64_t i = 0; i < 8; ++i) {
    Append(*shard, 300, i);
    Append(*other, 300, i);
    clock_.Advance(std::chrono::seconds(2));
    EXPECT_LE(shard->GetStatus().body_bytes, 1000u);
    EXPECT_EQ(shard->GetStatus().items, std::min<uint64_t>(i + 1, 3));
  }
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(5, 6, 7));
  EXPECT_EQ(Find(*other, FromOldest{}).size(), 8u);
  EXPECT_EQ(store_->GetStream(Name("a"))->max_bytes, 1000u);
  // A larger limit does not bring back what is gone, nor does a restart.
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.max_bytes = 0})).ok());
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 48})).ok());
  shard.reset();
  other.reset();
  Reopen();
  shard = Stream("a");
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(5, 6, 7));
  EXPECT_EQ(store_->GetStream(Name("a"))->max_bytes, 0u);
  EXPECT_EQ(store_->GetStream(Name("a"))->retention_hours, 48u);
  // A smaller one is there at once, and after a restart.
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.max_bytes = 600})).ok());
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(6, 7));
  shard.reset();
  Reopen();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(6, 7));
  EXPECT_EQ(SyncWait(store_->ChangeStream(Name("none"), {.max_bytes = 1})).error().code(),
            ErrorCode::kNotFound);
}

TEST_P(RetentionTest, WhatIsChangedOfAStreamTogetherIsChangedTogetherOrNotAtAll) {
  Open();
  Stream("a");
  const uint64_t seen = store_->GetStream(Name("a"))->version;
  const StreamChange both{.retention_hours = 48, .max_bytes = 1000};
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), both, seen)).ok());
  const StreamInfo changed = *store_->GetStream(Name("a"));
  EXPECT_EQ(changed.version, seen + 1) << "one transaction";
  EXPECT_EQ(changed.retention_hours, 48u);
  EXPECT_EQ(changed.max_bytes, 1000u);
  const StreamChange late{.retention_hours = 1, .max_bytes = 1};
  EXPECT_EQ(SyncWait(store_->ChangeStream(Name("a"), late, seen)).error().code(),
            ErrorCode::kConflict);
  EXPECT_EQ(store_->GetStream(Name("a"))->retention_hours, 48u);
  EXPECT_EQ(store_->GetStream(Name("a"))->max_bytes, 1000u);
}

TEST_P(RetentionTest, WhatWasLiveOnlyIsNoHoleOnceThingsAreKept) {
  Open();
  auto shard = Stream("a", 0);
  for (uint64_t i = 0; i < 30; ++i) Append(*shard, 100, i);
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 24})).ok());
  Append(*shard, 100, 30);
  shard.reset();
  for (int opening = 0; opening < 2; ++opening) {
    Reopen();
    EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(30));
    EXPECT_EQ(Stream("a")->GetStatus().items, 1u);
  }
}

TEST_P(RetentionTest, SegmentsAreCutBySizeAndOneBatchMayBeLargerThanThat) {
  options_.segment_bytes = 1u << 20;
  Open();
  auto shard = Stream("a");
  for (uint64_t i = 0; i < 10; ++i) Append(*shard, 300'000, i);
  Append(*shard, 3'000'000, 10);
  EXPECT_GE(Segments(), 4u);
  const auto found = Find(*shard, FromOldest{});
  ASSERT_EQ(found.size(), 11u);
  for (uint64_t i = 0; i < 11; ++i) ExpectBytes(*shard, found[i], i == 10 ? 3'000'000 : 300'000, i);
}

TEST_P(RetentionTest, AFullVolumeRefusesNewItemsAndStillTakesTrimsAndGaps) {
  Open();
  auto shard = Stream("a");
  Append(*shard, 100, 0);
  shard.reset();
  // Everything counts as full from here on.
  Close();
  options_.full_at = 0.0;
  Open();
  shard = Stream("a");
  EXPECT_TRUE(store_->GetStats().full);
  EXPECT_EQ(SyncWait(shard->Append(Item(*shard, 100, 1))).error().code(), ErrorCode::kFull);
  // It plays live, and is a gap afterwards.
  const std::vector<ItemRef> live = Find(*shard, FromOrdinal{1});
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].header.gap_reason, GapReason::kDiskFull);
  EXPECT_NE(live[0].header.flags & kFlagDropped, 0u);
  ExpectBytes(*shard, live[0], 100, 1);
  EXPECT_TRUE(SyncWait(shard->Trim(1)).ok());
  EXPECT_TRUE(SyncWait(store_->CreateStream(Name("b"), 24)).ok());
  EXPECT_TRUE(Stream("live", 0)->OpenSlot().ok());
}

TEST_P(RetentionTest, ManyClassesShareAtMostSixteenSegments) {
  options_.segment_bytes = 1u << 20;
  Open();
  for (uint32_t i = 0; i < 40; ++i)
    Append(*Stream(fmt::format("s{}", i), 10 + (i * 7) % 40), 100, i);
  EXPECT_LE(Segments(), 16u * static_cast<size_t>(GetParam()));
  for (uint32_t i = 0; i < 40; ++i) {
    auto shard = Stream(fmt::format("s{}", i));
    ExpectBytes(*shard, Find(*shard, FromOldest{})[0], 100, i);
  }
  Reopen();
  clock_.Advance(std::chrono::hours(12));
  EXPECT_THAT(Find(*Stream("s0"), FromOldest{}), IsEmpty());
  EXPECT_EQ(Find(*Stream("s1"), FromOldest{}).size(), 1u);
}

// Every segment that a batch touches is synced once, whatever the number of streams.
TEST_P(RetentionTest, ManyStreamsShareTheirSyncs) {
  Open();
  std::vector<std::shared_ptr<Shard>> shards;
  for (int i = 0; i < 40; ++i) shards.push_back(Stream(fmt::format("s{}", i)));
  auto& parts = metrics::GetCounter("penstock_store_batch_parts_total", "");
  auto& syncs = metrics::GetCounter("penstock_store_fdatasyncs_total", "");
  const uint64_t parts_before = parts.value();
  const uint64_t syncs_before = syncs.value();
  auto all = [](std::vector<std::shared_ptr<Shard>> list, int& acknowledged) -> Task<void> {
    TaskGroup group;
    auto one = [](std::shared_ptr<Shard> shard, int& done) -> Task<void> {
      for (uint64_t i = 0; i < 5; ++i) {
        NewItem item = Item(*shard, 20'000, i);
        const auto header = co_await shard->Append(std::move(item));
        if (header.ok()) ++done;
      }
    };
    for (const auto& shard : list) group.Spawn(one(shard, acknowledged));
    co_await group.Join();
  };
  int acknowledged = 0;
  SyncWait(all(shards, acknowledged));
  EXPECT_EQ(acknowledged, 200);
  EXPECT_LE(syncs.value() - syncs_before, parts.value() - parts_before);
  EXPECT_LT(parts.value() - parts_before, 200u);
  for (const auto& shard : shards) {
    const auto found = Find(*shard, FromOldest{});
    ASSERT_EQ(found.size(), 5u);
    for (uint64_t i = 0; i < 5; ++i) ExpectBytes(*shard, found[i], 20'000, i);
  }
}

}  // namespace
}  // namespace penstock::store
