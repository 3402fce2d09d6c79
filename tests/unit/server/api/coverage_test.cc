#include "server/api/coverage.h"

#include <gmock/gmock.h>

namespace penstock::server {
namespace {

using store::GapReason;
using ::testing::ElementsAre;

store::ItemHeader Fragment(int64_t start_ms, int64_t duration_ms) {
  store::ItemHeader item;
  item.server_time = ServerTimeFromMs(start_ms);
  item.duration = std::chrono::milliseconds(duration_ms);
  item.body_bytes = 10;
  return item;
}

store::ItemHeader After(GapReason reason, store::ItemHeader fragment) {
  fragment.gap_reason = reason;
  fragment.flags = store::kFlagStartsRun;
  return fragment;
}

store::ItemHeader Gap(int64_t start_ms, int64_t duration_ms, GapReason reason) {
  store::ItemHeader gap = Fragment(start_ms, duration_ms);
  gap.kind = store::ItemKind::kGap;
  gap.gap_reason = reason;
  return gap;
}

// "1000-3000 stored", "3000-4000 restart"
std::vector<std::string> Told(const CoverageBuilder& builder,
                              std::optional<ServerTime> from = std::nullopt,
                              std::optional<ServerTime> to = std::nullopt) {
  std::vector<std::string> out;
  for (const CoverageRange& range : builder.Take(from, to)) {
    out.push_back(std::to_string(ToMs(range.start)) + "-" + std::to_string(ToMs(range.end)) + " " +
                  (range.stored    ? "stored"
                   : range.expired ? "expired"
                                   : std::string(GapReasonName(range.reason))));
  }
  return out;
}

std::vector<std::string> Told(const std::vector<store::ItemHeader>& items) {
  CoverageBuilder builder;
  for (const store::ItemHeader& item : items) builder.Add(item);
  return Told(builder);
}

TEST(CoverageTest, WithinARunNothingIsMissingHoweverLateItArrived) {
  EXPECT_THAT(Told({Fragment(1000, 2000), Fragment(3040, 2000), Fragment(20'000, 2000)}),
              ElementsAre("1000-22000 stored"));
}

TEST(CoverageTest, AFragmentTellsWhyNothingCameBeforeIt) {
  EXPECT_THAT(Told({Fragment(1000, 2000), After(GapReason::kRestart, Fragment(3001, 2000)),
                    After(GapReason::kCameraLost, Fragment(9000, 1000))}),
              ElementsAre("1000-3000 stored", "3000-3001 restart", "3001-5001 stored",
                          "5001-9000 camera-lost", "9000-10000 stored"));
}

TEST(CoverageTest, NothingIsSaidOfTheTimeBeforeTheFirstItem) {
  EXPECT_THAT(Told({After(GapReason::kCameraLost, Fragment(9000, 1000))}),
              ElementsAre("9000-10000 stored"));
}

TEST(CoverageTest, ANewRunWithoutAPauseIsNoHoleAndAfterOneNobodyKnows) {
  EXPECT_THAT(Told({Fragment(1000, 2000), After(GapReason::kNone, Fragment(6000, 2000)),
                    After(GapReason::kNone, Fragment(11'001, 2000))}),
              ElementsAre("1000-8000 stored", "8000-11001 none", "11001-13001 stored"));
}

TEST(CoverageTest, GapsAreHolesAsLongAsTheySayAndTakeTheTimeBeforeThem) {
  EXPECT_THAT(Told({Fragment(1000, 2000), Gap(3100, 2000, GapReason::kDiskFull),
                    Gap(5100, 2000, GapReason::kDiskFull), Gap(7100, 2000, GapReason::kOverload),
                    Fragment(9200, 1000)}),
              ElementsAre("1000-3000 stored", "3000-7100 disk-full", "7100-9200 overload",
                          "9200-10200 stored"));
}

TEST(CoverageTest, WhatPlaysFromMemoryOnlyIsMissing) {
  store::ItemHeader dropped = Gap(3000, 2000, GapReason::kOverload);
  dropped.kind = store::ItemKind::kFragment;
  dropped.flags = store::kFlagDropped;
  EXPECT_THAT(Told({Fragment(1000, 2000), dropped, Fragment(5000, 1000)}),
              ElementsAre("1000-3000 stored", "3000-5000 overload", "5000-6000 stored"));
}

TEST(CoverageTest, AFragmentWithinTheTimeOfAGapShortensTheGap) {
  EXPECT_THAT(
      Told({Fragment(1000, 2000), Gap(3000, 9000, GapReason::kOverload), Fragment(5000, 1000)}),
      ElementsAre("1000-3000 stored", "3000-5000 overload", "5000-6000 stored"));
  EXPECT_THAT(
      Told({Fragment(1000, 2000), Gap(3000, 9000, GapReason::kOverload), Fragment(3000, 1000)}),
      ElementsAre("1000-4000 stored"));
}

TEST(CoverageTest, AbandonedSlotsTellNothing) {
  store::ItemHeader abandoned = Fragment(3500, 0);
  abandoned.kind = store::ItemKind::kAbandoned;
  EXPECT_THAT(Told({abandoned, Fragment(1000, 2000), abandoned,
                    After(GapReason::kRestart, Fragment(4000, 1000))}),
              ElementsAre("1000-3000 stored", "3000-4000 restart", "4000-5000 stored"));
}

TEST(CoverageTest, FragmentsThatCameFasterThanTheyPlayAreStoredUntilTheLastOnesEnd) {
  EXPECT_THAT(Told({Fragment(1000, 5000), Fragment(1100, 5000), Fragment(1200, 1000)}),
              ElementsAre("1000-6100 stored"));
}

TEST(CoverageTest, AClockThatIsSetBackBeginsAnewAndNoRangeEndsBeforeItBegins) {
  EXPECT_THAT(Told({Fragment(100'000, 2000), Fragment(50'000, 2000), Fragment(52'000, 2000),
                    After(GapReason::kRestart, Fragment(20'000, 1000)),
                    Gap(10'000, 500, GapReason::kOverload), Fragment(10'500, 1000)}),
              ElementsAre("100000-102000 stored", "50000-54000 stored", "20000-21000 stored",
                          "10000-10500 overload", "10500-11500 stored"));
}

TEST(CoverageTest, TheEndSaysWhyNothingHasComeSince) {
  CoverageBuilder builder;
  builder.End(GapReason::kCameraLost, ServerTimeFromMs(500));
  EXPECT_TRUE(Told(builder).empty()) << "of a stream that has nothing, nothing is missing";
  builder.Add(Fragment(1000, 2000));
  builder.End(GapReason::kCameraLost, ServerTimeFromMs(2500));
  EXPECT_THAT(Told(builder), ElementsAre("1000-3000 stored")) << "the last one lasts until then";
  builder.End(GapReason::kCameraLost, ServerTimeFromMs(9000));
  EXPECT_THAT(Told(builder), ElementsAre("1000-3000 stored", "3000-9000 camera-lost"));
}

TEST(CoverageTest, WhatIsBeforeTellsTheHoleAndIsNotCounted) {
  CoverageBuilder builder;
  builder.Begin(Fragment(1000, 2000));
  builder.Add(After(GapReason::kRestart, Fragment(9000, 1000)));
  EXPECT_THAT(Told(builder, ServerTimeFromMs(4000), ServerTimeFromMs(9500)),
              ElementsAre("4000-9000 restart", "9000-9500 stored"));
  const auto ranges = builder.Take(std::nullopt, std::nullopt);
  EXPECT_EQ(ranges.front().fragments, 0u);
  EXPECT_EQ(ranges.back().fragments, 1u);
  EXPECT_EQ(ranges.back().bytes, 10u);
}

TEST(CoverageTest, WhatIsBeforeMayReachIntoTheTimeThatIsAskedFor) {
  CoverageBuilder builder;
  builder.Begin(Fragment(1000, 2500));
  builder.Add(Fragment(3000, 2000));
  EXPECT_THAT(Told(builder, ServerTimeFromMs(3100)), ElementsAre("3100-5000 stored"));
}

TEST(CoverageTest, WhatHasGoneBetweenTwoItemsIsAHoleThoughARunGoesOn) {
  CoverageBuilder builder;
  builder.Add(Fragment(1000, 2000));
  builder.Skip(true);
  builder.Add(Fragment(9000, 2000));
  builder.Add(Fragment(11'000, 2000));
  builder.Skip(false);
  builder.Add(Fragment(20'000, 1000));
  EXPECT_THAT(Told(builder),
              ElementsAre("1000-3000 stored", "3000-9000 expired", "9000-13000 stored",
                          "13000-20000 none", "20000-21000 stored"));
  EXPECT_EQ(builder.Take(std::nullopt, std::nullopt)[2].fragments, 2u);
}

TEST(CoverageTest, WhatHasExpiredOutweighsTheReasonOfWhatCameBehindIt) {
  store::ItemHeader abandoned = Fragment(8000, 0);
  abandoned.kind = store::ItemKind::kAbandoned;
  CoverageBuilder builder;
  builder.Add(Fragment(1000, 2000));
  builder.Skip(true);
  builder.Add(abandoned);
  builder.Add(After(GapReason::kCameraLost, Fragment(9000, 1000)));
  builder.Add(After(GapReason::kCameraLost, Fragment(12'000, 1000)));
  EXPECT_THAT(Told(builder),
              ElementsAre("1000-3000 stored", "3000-9000 expired", "9000-10000 stored",
                          "10000-12000 camera-lost", "12000-13000 stored"));
}

TEST(CoverageTest, WhatHasExpiredBehindTheLastItemIsAHole) {
  CoverageBuilder builder;
  builder.Expired(ServerTimeFromMs(500));
  EXPECT_TRUE(Told(builder).empty());
  builder.Add(Fragment(1000, 2000));
  builder.Expired(ServerTimeFromMs(2000));
  EXPECT_THAT(Told(builder), ElementsAre("1000-3000 stored"));
  builder.Expired(ServerTimeFromMs(7000));
  builder.End(GapReason::kCameraLost, ServerTimeFromMs(9000));
  EXPECT_THAT(Told(builder),
              ElementsAre("1000-3000 stored", "3000-7000 expired", "7000-9000 camera-lost"));
}

TEST(CoverageTest, AnAnswerGoesOnWhereAnotherEnded) {
  CoverageBuilder builder;
  builder.Continue(Fragment(1000, 2000));
  builder.Add(Fragment(3100, 2000));
  builder.Add(After(GapReason::kCameraLost, Fragment(8000, 2000)));
  EXPECT_THAT(Told(builder),
              ElementsAre("3000-5100 stored", "5100-8000 camera-lost", "8000-10000 stored"));
  EXPECT_EQ(builder.Take(std::nullopt, std::nullopt).front().fragments, 1u);
}

}  // namespace
}  // namespace penstock::server
