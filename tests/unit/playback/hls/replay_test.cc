// Replays that go on from where they had come, beside the same ones walked from their start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "playback/hls/replay_places.h"
#include "playback/hls/stored_range.h"
#include "tests/unit/playback/fake_store.h"

namespace penstock::playback {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t kNoonMs = 1'768'478'400'000;
constexpr uint64_t kStart = 100;  // the ordinal that the replays begin with

// 12,000 fragments of half a second to a second and a half, some of them gaps.
class ReplayTest : public testing::Test {
 protected:
  ReplayTest() {
    for (int i = 0; i < 12'000; ++i) Add(milliseconds(500 + 250 * (i % 5)));
    session_.mode = Session::Mode::kReplay;
    session_.from_us = ToMs(shard_->items[kStart].header.server_time) * 1000;
    session_.begun = ServerTimeFromMs(kNoonMs) + std::chrono::hours(20);
  }
  void Add(milliseconds duration) {
    FakeShard::Item item;
    item.header.duration = duration;
    item.header.server_time = ServerTimeFromMs(kNoonMs) + recorded_;
    if (shard_->items.size() % 97 == 0) item.header.kind = store::ItemKind::kGap;
    recorded_ += duration;
    shard_->Add(std::move(item));
  }
  Result<PlaylistItems> List(milliseconds elapsed, ReplayPlaces* places) {
    return SyncWait(ListSession(shard_, session_, session_.begun + elapsed, damaged_, places));
  }
  static std::vector<uint64_t> Ordinals(std::span<const store::ItemHeader> items) {
    std::vector<uint64_t> out;
    for (const store::ItemHeader& item : items) out.push_back(item.ordinal);
    return out;
  }
  void ExpectSame(milliseconds elapsed) {
    SCOPED_TRACE(elapsed.count());
    const Result<PlaylistItems> from_start = List(elapsed, nullptr);
    const Result<PlaylistItems> went_on = List(elapsed, &places_);
    ASSERT_EQ(went_on.ok(), from_start.ok());
    if (!went_on.ok()) return;
    EXPECT_EQ(Ordinals(went_on->looked_at), Ordinals(from_start->looked_at));
    EXPECT_EQ(Ordinals(went_on->listed()), Ordinals(from_start->listed()));
    EXPECT_EQ(went_on->ended, from_start->ended);
    for (size_t i = 0; i < went_on->looked_at.size(); ++i)
      EXPECT_EQ(went_on->looked_at[i].kind, from_start->looked_at[i].kind);
  }
  uint64_t CostOf(milliseconds elapsed) {
    const uint64_t before = shard_->given;
    EXPECT_TRUE(List(elapsed, &places_).ok());
    return shard_->given - before;
  }

  std::shared_ptr<FakeShard> shard_ = std::make_shared<FakeShard>(ShardId::Random());
  milliseconds recorded_{0};
  DamagedFragments damaged_;
  Session session_;
  ReplayPlaces places_;
};

TEST_F(ReplayTest, GoingOnListsWhatAWalkFromTheStartLists) {
  Prng random(11);
  for (const uint16_t entries : {1, 5, 63, 64, 65, 500, 5000}) {
    SCOPED_TRACE(entries);
    session_.entries_max = entries;
    milliseconds elapsed{0};
    while (elapsed < recorded_ + seconds(100)) {
      ExpectSame(elapsed);
      // As players do, with a pause now and then.
      elapsed += milliseconds(random.Below(random.OneIn(20) ? 3'000'000 : 9000));
    }
  }
}

TEST_F(ReplayTest, TheRangesEndEndsIt) {
  session_.to_us = ToMs(shard_->items[3000].header.server_time) * 1000;
  for (milliseconds elapsed{0}; elapsed < seconds(3100); elapsed += seconds(40))
    ExpectSame(elapsed);
  EXPECT_TRUE(List(seconds(3100), &places_)->ended);
  EXPECT_EQ(List(seconds(3100), &places_)->listed().back().ordinal, 3000u);
}

TEST_F(ReplayTest, OfTheNewestItEndsAMinuteAfterItsRange) {
  const store::ItemHeader last = shard_->items.back().header;
  session_.to_us = ToMs(last.server_time) * 1000 + 500'000;
  session_.begun = last.server_time - std::chrono::hours(20);
  const auto over = last.server_time + milliseconds(60'500) - session_.begun;
  EXPECT_FALSE(List(over, &places_)->ended);
  EXPECT_TRUE(List(over + milliseconds(1), &places_)->ended);
  EXPECT_EQ(List(over + milliseconds(1), nullptr)->listed().back().ordinal, last.ordinal);
  // By producer time the minute begins when the last one came.
  session_.by_producer = true;
  session_.to_us = 1;
  EXPECT_FALSE(IsOver(session_, last, last.server_time + milliseconds(60'000)));
  EXPECT_TRUE(IsOver(session_, last, last.server_time + milliseconds(60'001)));
}

TEST_F(ReplayTest, AReloadCostsWhatIsNew) {
  CostOf(seconds(8000));
  for (int i = 1; i < 100; ++i) EXPECT_LE(CostOf(seconds(8000 + i)), 2 * kLiveLookback);
  EXPECT_LE(CostOf(seconds(9000)), 2 * kLiveLookback + 4096);
}

TEST_F(ReplayTest, AClockThatWasSetBackListsWhatItShould) {
  for (const int at : {5000, 4990, 4900, 1, 0, 4901, 5001}) ExpectSame(seconds(at));
}

TEST_F(ReplayTest, ItFollowsWhatComes) {
  const milliseconds end = recorded_;
  ExpectSame(end);
  for (int i = 0; i < 200; ++i) {
    Add(seconds(1));
    ExpectSame(end + seconds(i));
  }
}

TEST_F(ReplayTest, ADroppedFragmentThatBecameAGapIsListedAsOne) {
  ExpectSame(seconds(4000));
  const Result<PlaylistItems> listed = List(seconds(4000), &places_);
  for (const store::ItemHeader& item : listed->looked_at)
    shard_->items[item.ordinal].header.kind = store::ItemKind::kGap;
  shard_->items[List(seconds(4100), nullptr)->looked_at[20].ordinal].header.kind =
      store::ItemKind::kFragment;
  ExpectSame(seconds(4004));
}

TEST_F(ReplayTest, WhatHasGoneBetweenHeldStretchesIsNotListed) {
  shard_->Hold(0, 2000);
  shard_->Hold(2050, 2100);
  shard_->oldest = 2200;
  for (milliseconds elapsed = seconds(1700); elapsed < seconds(2400); elapsed += seconds(3))
    ExpectSame(elapsed);
}

TEST_F(ReplayTest, ItGoesOnWhereItWasWhenItsStartIsNoLongerKept) {
  const auto before = Ordinals(List(seconds(4000), &places_)->listed());
  shard_->oldest = kStart + 2000;
  EXPECT_EQ(Ordinals(List(seconds(4000), &places_)->listed()), before);
  shard_->oldest = 10'000;  // retention was faster than the replay
  const uint64_t first = List(seconds(4001), &places_)->listed().front().ordinal;
  EXPECT_THAT(first, testing::AllOf(testing::Ge(10'000u), testing::Lt(10'100u)));
}

TEST_F(ReplayTest, OnlySoManySessionsAreRememberedAndTheOthersAreListedAsWell) {
  ReplayPlaces few(2);
  std::vector<Session> sessions(3, session_);
  for (int i = 0; i < 3; ++i) sessions[static_cast<size_t>(i)].begun += seconds(i);
  for (const Session& session : sessions)
    few.Put(shard_->id(), session, {.ordinal = 7, .played = {}});
  EXPECT_FALSE(few.Get(shard_->id(), sessions[0]));
  EXPECT_TRUE(few.Get(shard_->id(), sessions[1]));  // used: it stays
  few.Put(shard_->id(), sessions[0], {.ordinal = 8, .played = {}});
  EXPECT_TRUE(few.Get(shard_->id(), sessions[1]));
  EXPECT_FALSE(few.Get(shard_->id(), sessions[2]));
  EXPECT_EQ(few.Get(shard_->id(), sessions[0])->ordinal, 8u);
  EXPECT_FALSE(few.Get(ShardId::Random(), sessions[0])) << "another life of the stream";
}

}  // namespace
}  // namespace penstock::playback
