#include "store/millisecond_range.h"

#include <gtest/gtest.h>

namespace penstock::store {
namespace {

TEST(MillisecondRange, TheWholeMillisecondsOfBothEndsAreIn) {
  const auto server = std::get<ServerTimeRange>(ServerMilliseconds(5'000'999, 6'000'001));
  EXPECT_EQ(ToMs(server.from), 5000);
  EXPECT_EQ(ToMs(server.to), 6000);
  const auto producer = std::get<ProducerTimeRange>(ProducerMilliseconds(5'000'999, 6'000'001));
  EXPECT_EQ(ToUs(producer.from), 5'000'000);
  EXPECT_EQ(ToUs(producer.to), 6'000'999);
}

TEST(MillisecondRange, BeforeItsOriginTimeIsRoundedTheSameWay) {
  EXPECT_EQ(ToMs(std::get<ServerTimeRange>(ServerMilliseconds(-1, 0)).from), -1);
  EXPECT_EQ(ToUs(std::get<ProducerTimeRange>(ProducerMilliseconds(-1, -1)).to), -1);
}

TEST(MillisecondRange, NoEndIsLaterThanAnyTime) {
  EXPECT_EQ(ToUs(std::get<ProducerTimeRange>(ProducerMilliseconds(0, kNoEndUs)).to), kNoEndUs);
  EXPECT_GT(ToMs(std::get<ServerTimeRange>(ServerMilliseconds(0, kNoEndUs)).to),
            int64_t{253'402'300'800'000});
}

}  // namespace
}  // namespace penstock::store
