#include "store/shard_state.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::store {
namespace {

using ::testing::ElementsAre;

ItemRecord Item(uint64_t ordinal) {
  ItemRecord item;
  item.header.ordinal = ordinal;
  item.header.number.server_ms = 1'750'000'000'000 + static_cast<int64_t>(ordinal);
  return item;
}

ShardState Fold(std::vector<uint64_t> ordinals, uint64_t reserved, bool reserved_first) {
  ShardState state;
  if (reserved_first) state.ApplyReservation(reserved);
  for (const uint64_t ordinal : ordinals) state.Apply(Item(ordinal));
  if (!reserved_first) state.ApplyReservation(reserved);
  return state;
}

TEST(ShardStateTest, AReservationCountsUntilItemsHavePassedItWhicheverComesFirst) {
  for (const bool first : {true, false}) {
    EXPECT_EQ(Fold({0, 1, 2}, 16, first).reserved, 16u);
    EXPECT_EQ(Fold({0, 1, 2}, 3, first).reserved, 0u);
    EXPECT_EQ(Fold({2, 16, 1}, 16, first).reserved, 0u);
  }
  EXPECT_EQ(Fold({0, 1, 2}, 16, true), Fold({2, 0, 1}, 16, false));
}

TEST(ShardStateTest, WhatIsGivenBackOfAReservationMakesNoGaps) {
  for (const uint64_t shown : {0, 3, 5}) {
    for (const bool items_first : {true, false}) {
      ShardState state;
      if (items_first) state = Fold({0, 1, 2}, 16, true);
      if (!items_first) state.ApplyReservation(16);
      state.ApplyReservationEnd(shown);
      if (!items_first) {
        for (uint64_t i = 0; i < 3; ++i) state.Apply(Item(i));
      }
      EXPECT_EQ(state.reserved, shown == 5 ? 5u : 0u);
      state.ApplyReservationEnd(20);
      EXPECT_EQ(state.reserved, shown == 5 ? 5u : 0u) << "it gives nothing";
      state.ApplyReservation(40);
      EXPECT_EQ(state.reserved, 40u) << "a later one counts";
    }
  }
}

TEST(ShardStateTest, ClockRunsAreTheSameInWhateverOrderTheSlotsAreFilled) {
  // The clock is set back before ordinals 2 and 3: three runs.
  constexpr int64_t kMs[] = {5'000, 6'000, 3'000, 1'000, 2'000};
  constexpr uint32_t kRun[] = {0, 0, 1, 2, 2};
  std::vector<uint64_t> order = {0, 1, 2, 3, 4};
  do {
    ShardState state;
    for (const uint64_t ordinal : order) {
      ItemRecord item = Item(ordinal);
      item.header.number.server_ms = kMs[ordinal];
      item.clock_run = kRun[ordinal];
      state.Apply(item);
    }
    EXPECT_EQ(state.first_clock_run, 0u);
    EXPECT_THAT(state.clock_runs, ElementsAre(ClockRun{0, 5'000, 6'000}, ClockRun{2, 3'000, 3'000},
                                              ClockRun{3, 1'000, 2'000}))
        << ::testing::PrintToString(order);
    EXPECT_EQ(state.EffectiveMs(0, 5'000), 1'000);
    state.ApplyLowWater(3);
    ItemRecord late = Item(1);
    late.clock_run = 0;
    state.Apply(late);
    EXPECT_EQ(state.first_clock_run, 2u);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(ShardStateTest, OnlyAReservationMakesItUnreadableForOlderPrograms) {
  for (const uint64_t reserved : {0, 3, 16}) {
    const ShardState state = Fold({0, 1, 2}, reserved, true);
    const Bytes encoded = EncodeShardState(state, true);
    EXPECT_EQ(encoded.data()[0], reserved == 16 ? 2 : 1);
    const auto decoded = DecodeShardState(encoded);
    ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
    EXPECT_EQ(*decoded, state);
  }
  EXPECT_EQ(DecodeShardState(Bytes::Copy("\x03")).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace penstock::store
