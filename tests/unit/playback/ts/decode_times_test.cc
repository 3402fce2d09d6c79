#include "playback/ts/decode_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::playback::ts {
namespace {

using fragmenter::Frame;
using testing::ElementsAre;

// By presentation time, in decoding order; decode times as a frame table has them.
std::vector<Frame> Pictures(std::vector<int64_t> pts) {
  std::vector<int64_t> sorted = pts;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Frame> out;
  for (size_t i = 0; i < pts.size(); ++i)
    out.push_back({.dts = sorted[i], .cts_offset = static_cast<int32_t>(pts[i] - sorted[i])});
  return out;
}

TEST(TransportDecodeTimes, WithoutReorderingTheyAreThePresentationTimes) {
  EXPECT_THAT(DecodeTimes(Pictures({0, 10, 25, 30}), 0, 1000), ElementsAre(0, 10, 25, 30));
  EXPECT_THAT(DecodeTimes(Pictures({0, 10, 25, 30}), std::nullopt, 1000),
              ElementsAre(0, 10, 25, 30));
}

TEST(TransportDecodeTimes, TheyGoOnFromFragmentToFragmentAtASteadyRate) {
  const auto first = DecodeTimes(Pictures({0, 30, 10, 20}), 1, 1000);
  EXPECT_THAT(first, ElementsAre(-10, 0, 10, 20));
  EXPECT_THAT(DecodeTimes(Pictures({40, 50, 60, 70}), 1, 1000), ElementsAre(30, 40, 50, 60))
      << "though nothing is reordered here";
}

TEST(TransportDecodeTimes, WhatTheSpsDoesNotSayIsSeen) {
  EXPECT_THAT(DecodeTimes(Pictures({0, 40, 20, 10, 30}), std::nullopt, 1000),
              ElementsAre(-20, -10, 0, 10, 20));
}

TEST(TransportDecodeTimes, APauseWithinAFragmentDoesNotPushItsBeginIntoTheOneBefore) {
  EXPECT_THAT(DecodeTimes(Pictures({40, 50, 2050, 2060}), 1, 1000), ElementsAre(30, 40, 50, 2050));
}

TEST(TransportDecodeTimes, APictureAloneIsCountedBackByItsDuration) {
  std::vector<Frame> one = Pictures({500});
  one[0].duration = 20;
  EXPECT_THAT(DecodeTimes(one, 2, 1000), ElementsAre(460));
  one[0].duration = 0;
  EXPECT_THAT(DecodeTimes(one, 1, 1000), ElementsAre(-500)) << "a second: nobody knows better";
  EXPECT_TRUE(DecodeTimes({}, 1, 1000).empty());
}

TEST(TransportDecodeTimes, WhateverTheTableSaysTheyAscendAndNoneIsLate) {
  std::vector<Frame> odd;
  for (const auto& [dts, cts] :
       std::vector<std::pair<int64_t, int32_t>>{{0, 50}, {1, -40}, {1, 0}, {500, -499}, {20, 3}})
    odd.push_back({.dts = dts, .cts_offset = cts});
  const auto times = DecodeTimes(odd, std::nullopt, 1000);
  for (size_t i = 0; i < odd.size(); ++i) {
    EXPECT_LE(times[i], odd[i].dts + odd[i].cts_offset);
    if (i == 0) continue;
    EXPECT_GT(times[i], times[i - 1]);
  }
}

}  // namespace
}  // namespace penstock::playback::ts
