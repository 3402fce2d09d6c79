// What is held stays and stays readable, whatever takes the rest; after its release it goes.
#include "store/hold.h"

#include <filesystem>

#include "store/media_before.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// One fragment of two seconds every ten minutes, each in a segment of its own.
class HoldTest : public StoreTest {
 protected:
  HoldTest() { options_.segment_span = std::chrono::seconds(60); }

  void Record(Shard& shard, uint64_t items) {
    for (uint64_t i = 0; i < items; ++i) {
      begun_.push_back(clock_.Now());
      Append(shard, 300, begun_.size() - 1);
      clock_.Advance(minutes(10));
      Enforce();
    }
  }
  void Enforce() { ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok()); }
  // From the fragment with the first ordinal to that with the last.
  Result<Hold> Add(uint64_t first, uint64_t last) {
    return SyncWait(store_->AddHold(
        {Name("a"), begun_[first], begun_[last] + std::chrono::seconds(1), "evidence"}));
  }
  size_t Segments() {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory))
      count += entry.path().filename().string().ends_with("h.segment") ? 1 : 0;
    return count;
  }
  void ExpectReadable(Shard& shard) {
    for (const ItemRef& ref : Find(shard, FromOldest{})) {
      ExpectBytes(shard, ref, 300, ref.header.ordinal);
      const auto tracks = SyncWait(shard.GetTrackSet(ref.header.track_set));
      ASSERT_TRUE(tracks.ok()) << tracks.error().ToString();
      EXPECT_EQ(tracks->body.text(), "tracks of a camera");
    }
  }
  void ExpectSound() {
    Close();
    const auto report = Store::Check(options_.directory, RealDisk());
    ASSERT_TRUE(report.ok()) << report.error().ToString();
    for (const auto& finding : report->findings)
      EXPECT_FALSE(finding.harmful) << finding.where << ": " << finding.what;
  }

  std::vector<ServerTime> begun_;  // by ordinal
};

INSTANTIATE_TEST_SUITE_P(Lanes, HoldTest, ::testing::Values(1, 2));

TEST_P(HoldTest, WhatIsHeldStaysThoughAllAroundItExpiresAndGoesAfterItsRelease) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  const auto hold = Add(1, 2);
  ASSERT_TRUE(hold.ok()) << hold.error().ToString();
  EXPECT_FALSE(hold->gone_before.has_value());
  Record(*shard, 8);  // 7 to 11 are younger than an hour
  const std::vector<uint64_t> kept = {1, 2, 7, 8, 9, 10, 11};
  EXPECT_EQ(Ordinals(Find(*shard, FromOldest{})), kept);
  const ShardStatus status = shard->GetStatus();
  EXPECT_EQ(status.oldest_ordinal, 7u);
  EXPECT_EQ(status.items, 5u);
  ASSERT_EQ(status.held.size(), 1u);
  EXPECT_EQ(status.held[0].items, 2u);
  EXPECT_EQ(status.held[0].body_bytes, 600u);
  EXPECT_FALSE(status.Shows(0));
  EXPECT_TRUE(status.Shows(1));
  EXPECT_TRUE(status.Shows(2));
  EXPECT_FALSE(status.Shows(3));
  EXPECT_EQ(store_->GetStats().held_bytes, 600u);
  ExpectReadable(*shard);
  EXPECT_LE(Segments(), 8u);

  ASSERT_TRUE(SyncWait(store_->ReleaseHold(hold->id)).ok());
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(7, 8, 9, 10, 11));
  EXPECT_EQ(store_->GetStats().held_bytes, 0u);
  const size_t before = Segments();
  Enforce();
  EXPECT_EQ(Segments(), before - 2);
  EXPECT_EQ(SyncWait(store_->ReleaseHold(hold->id)).error().code(), ErrorCode::kNotFound);
  shard.reset();
  ExpectSound();
}

TEST_P(HoldTest, ItIsThereAfterARestartWhateverIsLeftOfTheIndex) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  ASSERT_TRUE(Add(1, 2).ok());
  Record(*shard, 8);
  const std::vector<uint64_t> kept = {1, 2, 7, 8, 9, 10, 11};
  for (const bool without_index : {false, true, false}) {
    shard.reset();
    ExpectSound();
    if (without_index) fs::remove_all(options_.directory / "index");
    Open();
    shard = Stream("a");
    EXPECT_EQ(Ordinals(Find(*shard, FromOldest{})), kept) << without_index;
    EXPECT_EQ(shard->GetStatus().items, 5u);
    ASSERT_EQ(shard->GetStatus().held.size(), 1u);
    EXPECT_EQ(shard->GetStatus().held[0].items, 2u);
    ExpectReadable(*shard);
  }
  // All but that expires.
  clock_.Advance(std::chrono::hours(5));
  Enforce();
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(1, 2));
  EXPECT_EQ(Segments(), 2u);
  ASSERT_EQ(store_->ListHolds(std::nullopt).size(), 1u);
  EXPECT_EQ(store_->ListHolds(Name("a"))[0].note, "evidence");
  ASSERT_TRUE(SyncWait(store_->ReleaseHold(store_->ListHolds(std::nullopt)[0].id)).ok());
  shard.reset();
  Reopen();
  Enforce();
  EXPECT_THAT(Find(*Stream("a"), FromOldest{}), IsEmpty());
  EXPECT_EQ(Segments(), 0u);
}

TEST_P(HoldTest, AStreamsByteQuotaPassesOverIt) {
  Open();
  auto shard = Stream("a");
  Record(*shard, 4);
  ASSERT_TRUE(Add(1, 1).ok());
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.max_bytes = 600})).ok());
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(1, 2, 3));
  Record(*shard, 2);
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(1, 4, 5));
  ExpectReadable(*shard);
}

TEST_P(HoldTest, ItsEveryLookUpFindsIt) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  const std::vector<ItemRef> all = Find(*shard, FromOldest{});
  ASSERT_TRUE(Add(1, 2).ok());
  Record(*shard, 8);
  shard.reset();
  Reopen();  // nothing of it is in the window
  shard = Stream("a");
  const auto first = [&](Selector from) {
    const auto found = Find(*shard, from, 1);
    return found.empty() ? UINT64_MAX : found[0].header.ordinal;
  };
  const auto second = std::chrono::seconds(1);
  EXPECT_EQ(first(FromServerTime{begun_[0]}), 1u);
  EXPECT_EQ(first(FromServerTime{begun_[1] + second}), 1u);
  EXPECT_EQ(first(FromServerTime{begun_[1] + minutes(5)}), 2u);
  EXPECT_EQ(first(FromServerTime{begun_[2] + second}), 2u);
  EXPECT_EQ(first(FromServerTime{begun_[3] + second}), 7u);
  EXPECT_EQ(first(FromProducerTime{all[2].header.producer_time}), 2u);
  EXPECT_EQ(first(FromProducerTime{all[3].header.producer_time}), 7u);
  EXPECT_EQ(first(FromOrdinal{0}), 1u);
  EXPECT_EQ(first(FromOrdinal{3}), 7u);
  EXPECT_EQ(first(AfterNumber{all[0].header.number.index}), 1u);
  EXPECT_EQ(first(AfterNumber{all[1].header.number.index}), 2u);
  EXPECT_EQ(first(AfterNumber{all[2].header.number.index}), 7u);
  const ServerTimeRange times{begun_[0], begun_[7]};
  const auto started = SyncWait(shard->FindStarted(times, std::nullopt, 100));
  ASSERT_TRUE(started.ok());
  EXPECT_THAT(Ordinals(*started), ElementsAre(1, 2, 7));
  const auto tail = shard->MakeTail(FromOldest{});
  const auto page = SyncWait(tail->Next(2, CancelToken()));
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(Ordinals(*page), ElementsAre(1, 2));
  const auto next = SyncWait(tail->Next(1, CancelToken()));
  ASSERT_TRUE(next.ok()) << next.error().ToString();
  EXPECT_THAT(Ordinals(*next), ElementsAre(7));
}

TEST_P(HoldTest, WhatComesBeforeAnItemIsLookedForInItsOwnStretchOnly) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  ASSERT_TRUE(Add(1, 2).ok());
  Record(*shard, 8);  // 7 to 11 are younger than an hour
  const auto before = [&](uint64_t ordinal) -> std::optional<uint64_t> {
    const auto found = SyncWait(MediaBefore(shard, ordinal)).value();
    return found ? std::optional<uint64_t>(found->ordinal) : std::nullopt;
  };
  EXPECT_EQ(before(1), std::nullopt);
  EXPECT_EQ(before(2), 1u);
  EXPECT_EQ(before(3), 2u);
  EXPECT_EQ(before(5), std::nullopt);
  EXPECT_EQ(before(7), std::nullopt);
  EXPECT_EQ(before(8), 7u);
  EXPECT_EQ(before(UINT64_MAX), 11u);
}

TEST_P(HoldTest, WhatHadGoneDoesNotComeBackAndTheAnswerSaysSo) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 9);  // 4 to 8 are left
  EXPECT_EQ(Add(1, 2).error().code(), ErrorCode::kTrimmed);
  const auto hold = Add(2, 5);
  ASSERT_TRUE(hold.ok()) << hold.error().ToString();
  EXPECT_EQ(hold->gone_before, begun_[4]);
  clock_.Advance(std::chrono::hours(3));
  Enforce();
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(4, 5));
  shard.reset();
  Close();
  fs::remove_all(options_.directory / "index");
  Open();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(4, 5));
}

TEST_P(HoldTest, WhatIsYoungIsHeldThoughAClockThatWasSetBackGaveItTimesOfWhatHasGone) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 9);  // 4 to 8 are left
  clock_.SetWall(begun_[1]);
  Record(*shard, 2);
  const auto hold = Add(9, 9);
  ASSERT_TRUE(hold.ok()) << hold.error().ToString();
  EXPECT_FALSE(hold->gone_before.has_value());
}

TEST_P(HoldTest, ATimeIsLookedForInItThoughAClockThatWasSetBackMadeItYoungerThanTheRest) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  ASSERT_TRUE(Add(1, 2).ok());
  clock_.SetWall(begun_[0] - std::chrono::hours(3));
  for (int i = 0; i < 8; ++i) {  // without a mark that is durable
    Append(*shard, 300, 4);
    clock_.Advance(minutes(10));
  }
  const auto found = Find(*shard, FromServerTime{begun_[0] - std::chrono::hours(1)}, 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].header.ordinal, 1u);
}

TEST_P(HoldTest, ItStaysWhenItsStreamBecomesLiveOnly) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  ASSERT_TRUE(Add(1, 2).ok());
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 0})).ok());
  EXPECT_EQ(Add(0, 1).error().code(), ErrorCode::kInvalidArgument);
  Record(*shard, 2);
  shard.reset();
  Reopen();
  clock_.Advance(std::chrono::hours(3));
  Enforce();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(1, 2));
  ExpectReadable(*Stream("a"));
}

TEST_P(HoldTest, OfTwoHoldsOfTheSameTimeTheSecondKeepsItAlone) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 4);
  const auto early = Add(1, 2);
  ASSERT_TRUE(early.ok());
  Record(*shard, 8);
  const auto late = Add(2, 2);  // made when only the first one kept it
  ASSERT_TRUE(late.ok()) << late.error().ToString();
  ASSERT_TRUE(SyncWait(store_->ReleaseHold(early->id)).ok());
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(2, 7, 8, 9, 10, 11));
  shard.reset();
  Close();
  fs::remove_all(options_.directory / "index");
  Open();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(2, 7, 8, 9, 10, 11));
}

TEST_P(HoldTest, AHoldWhoseEndIsToComeGrows) {
  Open();
  auto shard = Stream("a", 1);
  Record(*shard, 2);
  ASSERT_TRUE(
      SyncWait(store_->AddHold({Name("a"), begun_[1], clock_.Now() + minutes(15), {}})).ok());
  Record(*shard, 4);
  clock_.Advance(std::chrono::hours(3));
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(1, 2, 3));
}

TEST_P(HoldTest, AStreamWithAHoldIsNotDeletedAndWrongHoldsAreRefused) {
  Open();
  auto shard = Stream("a");
  Record(*shard, 2);
  const auto code = [&](NewHold hold) {
    const auto added = SyncWait(store_->AddHold(std::move(hold)));
    return added.ok() ? ErrorCode::kInternal : added.error().code();
  };
  EXPECT_EQ(code({Name("none"), begun_[0], begun_[1], {}}), ErrorCode::kNotFound);
  EXPECT_EQ(code({Name("a"), begun_[1], begun_[0], {}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({Name("a"), begun_[0], begun_[1], std::string(2000, 'x')}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({Name("a"), begun_[0] - minutes(9), begun_[0] - minutes(8), {}}),
            ErrorCode::kNotFound);
  const auto hold = Add(0, 0);
  ASSERT_TRUE(hold.ok());
  EXPECT_EQ(SyncWait(store_->DeleteStream(Name("a"))).error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(store_->GetStream(Name("a")).has_value());
  ASSERT_TRUE(SyncWait(store_->ReleaseHold(hold->id)).ok());
  EXPECT_TRUE(SyncWait(store_->DeleteStream(Name("a"))).ok());
}

}  // namespace
}  // namespace penstock::store
