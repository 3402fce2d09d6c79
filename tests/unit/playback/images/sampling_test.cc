#include "playback/images/sampling.h"

#include <gtest/gtest.h>

namespace penstock::playback {
namespace {

PlacedFragment Fragment(uint64_t ordinal, int64_t start_ms, int64_t ms, store::RunId run = 1) {
  PlacedFragment out;
  out.item.header.ordinal = ordinal;
  out.item.header.run = run;
  out.item.header.duration = std::chrono::milliseconds(ms);
  out.start_us = start_ms * 1000;
  return out;
}

// The ordinal of what was on; -1: nothing.
int On(const std::vector<PlacedFragment>& fragments, int64_t at_ms) {
  const PlacedFragment* const found = FragmentAt(fragments, at_ms * 1000);
  return found == nullptr ? -1 : static_cast<int>(found->item.header.ordinal);
}

TEST(SamplingTest, AFragmentIsOnFromItsBeginToItsEnd) {
  const std::vector<PlacedFragment> fragments = {Fragment(4, 1000, 2000), Fragment(5, 3000, 2000)};
  EXPECT_EQ(On(fragments, 999), -1);
  EXPECT_EQ(On(fragments, 1000), 4);
  EXPECT_EQ(On(fragments, 2999), 4);
  EXPECT_EQ(On(fragments, 3000), 5);
  EXPECT_EQ(On(fragments, 4999), 5);
  EXPECT_EQ(On(fragments, 5000), -1);
  EXPECT_EQ(On({}, 5000), -1);
}

TEST(SamplingTest, APauseBeforeTheNextOfTheRunIsJitterAndALongerOneAHole) {
  const auto after = [](int64_t pause_ms, uint64_t ordinal, store::RunId run) {
    return On({Fragment(4, 1000, 2000), Fragment(ordinal, 3000 + pause_ms, 2000, run)}, 3010);
  };
  EXPECT_EQ(after(50, 5, 1), 4);
  EXPECT_EQ(after(3000, 5, 1), 4);
  EXPECT_EQ(after(3001, 5, 1), -1);
  EXPECT_EQ(after(50, 6, 1), -1);
  EXPECT_EQ(after(50, 5, 2), -1);
}

TEST(SamplingTest, WhereTwoAreOnTheOneThatBeganLastIs) {
  const std::vector<PlacedFragment> fragments = {Fragment(4, 1000, 5000), Fragment(9, 2000, 1000)};
  EXPECT_EQ(On(fragments, 1500), 4);
  EXPECT_EQ(On(fragments, 2500), 9);
  EXPECT_EQ(On(fragments, 3500), 4) << "it is still on";
  EXPECT_EQ(On(fragments, 6000), -1);
}

TEST(SamplingTest, StartsAreWhatClientsWereTold) {
  store::ItemHeader item;
  item.server_time = ServerTimeFromMs(1500);
  item.producer_time = ProducerTimeFromUs(1'700'999);
  EXPECT_EQ(StartOn(TimeAxis::kServer, item), 1'500'000);
  EXPECT_EQ(StartOn(TimeAxis::kProducer, item), 1'700'000);
}

}  // namespace
}  // namespace penstock::playback
