#include "playback/dash/periods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/playback/dash/timed_fragments.h"

namespace penstock::playback {
namespace {

using Fragments = std::vector<TimedFragment>;

std::vector<std::pair<uint64_t, int64_t>> Starts(const std::vector<Period>& periods) {
  std::vector<std::pair<uint64_t, int64_t>> starts;
  for (const Period& period : periods)
    starts.emplace_back(period.place.first, period.place.start_us / 1000);
  return starts;
}

using testing::ElementsAre;
using testing::Pair;

TEST(PeriodsTest, WhatGoesOnIsOnePeriod) {
  const Fragments fragments = {FragmentOf(7, 4000, 6000), FragmentOf(8, 6000, 8000)};
  const auto periods = MakePeriods(fragments, {});
  ASSERT_EQ(periods.size(), 1u);
  EXPECT_EQ(periods[0].place,
            (Place{.first = 7, .start_us = 0, .offset_us = 4'000'000, .from = 7}));
  EXPECT_EQ(EndUs(periods[0]), 4'000'000);
}

TEST(PeriodsTest, AnotherRunOtherTracksAHoleAndALeapBeginOthers) {
  Fragments fragments;
  fragments.push_back(FragmentOf(0, 0, 2000));
  fragments.push_back(FragmentOf(1, 0, 2000, 2));        // another run
  fragments.push_back(FragmentOf(2, 2000, 4000, 2, 9));  // other tracks
  fragments.push_back(FragmentOf(4, 4000, 6000, 2, 9));  // one is missing
  fragments.push_back(FragmentOf(5, 6600, 8600, 2, 9));  // 0.6 s are missing
  fragments.push_back(FragmentOf(6, 1000, 3000, 2, 9));  // back
  fragments.push_back(FragmentOf(7, 3400, 5400, 2, 9));  // no more than is stepped over
  fragments.push_back(FragmentOf(8, 5400, 7400, 2, 9));
  fragments.back().spans.pop_back();  // nothing of the sound
  EXPECT_THAT(Starts(MakePeriods(fragments, {})),
              ElementsAre(Pair(0, 0), Pair(1, 2000), Pair(2, 4000), Pair(4, 6000), Pair(5, 8000),
                          Pair(6, 10'000), Pair(8, 14'400)));
}

TEST(PeriodsTest, ByTheClockAPeriodBeginsWhenItWasReceivedUnlessThatIsRightBehind) {
  Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 0, 2000, 2),
                         FragmentOf(2, 0, 2000, 3), FragmentOf(3, 0, 2000, 4)};
  const auto receive = [&](size_t i, int64_t ms) {
    fragments[i].header.server_time = ServerTimeFromMs(kDashNoonMs + ms);
  };
  receive(1, 62'000);  // a minute without a camera
  receive(2, 64'900);  // 0.9 s late
  receive(3, 65'000);  // pushed in haste: before what went before it has ended
  Timeline timeline{.known = std::nullopt, .start_us = kDashNoonMs * 1000, .by_clock = true};
  EXPECT_THAT(Starts(MakePeriods(fragments, timeline)),
              ElementsAre(Pair(0, kDashNoonMs), Pair(1, kDashNoonMs + 62'000),
                          Pair(2, kDashNoonMs + 64'000), Pair(3, kDashNoonMs + 66'000)));
}

TEST(PeriodsTest, AKnownPeriodStaysWhereItWas) {
  const Fragments fragments = {FragmentOf(8, 6000, 8000), FragmentOf(9, 0, 2000, 2)};
  const Place known{.first = 5, .start_us = 100'000'000, .offset_us = 1'000'000, .from = 8};
  const auto periods = MakePeriods(fragments, {.known = known});
  EXPECT_EQ(periods[0].place, known);
  EXPECT_EQ(periods[1].place.start_us, 107'000'000);
}

TEST(PeriodsTest, WhatFellOutIsForgottenAndMovesNothing) {
  const Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 0, 2000, 2),
                               FragmentOf(2, 2000, 4000, 2)};
  auto periods = MakePeriods(fragments, {});
  DropBefore(2, periods);
  ASSERT_EQ(periods.size(), 1u);
  EXPECT_EQ(periods[0].place,
            (Place{.first = 1, .start_us = 2'000'000, .offset_us = 0, .from = 2}));
  EXPECT_EQ(periods[0].fragments.size(), 1u);
}

TEST(PeriodsTest, LiveBeginsByTheQuickestFragmentOfItsPeriod) {
  Fragments fragments = {FragmentOf(0, 10'000, 12'000), FragmentOf(1, 12'000, 14'000),
                         FragmentOf(2, 0, 2000, 2)};
  fragments[0].header.server_time += std::chrono::milliseconds(900);
  fragments[1].header.server_time += std::chrono::milliseconds(300);
  EXPECT_EQ(LiveStartUs(fragments), (kDashNoonMs + 10'300) * 1000);
}

TEST(PeriodsTest, APlaceIsReadAsItWasWritten) {
  const Place place{.first = 7, .start_us = 1'768'478'400'123'456, .offset_us = -5, .from = 12};
  EXPECT_EQ(FormatPlace(place), "7.1768478400123456.-5.12");
  EXPECT_EQ(ParsePlace(FormatPlace(place)), place);
  for (const char* bad :
       {"", "7", "7.1.1", "7.1.1.6", "7.1.1.8.", "7.1.1.8.9", "07.1.1.8", "7.1.1.x", "-7.1.1.8",
        "7.9007199254740993.1.8", "7..1.8", "99999999999999999999.1.1.8", " 7.1.1.8"})
    EXPECT_EQ(ParsePlace(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace penstock::playback
