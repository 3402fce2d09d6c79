// Policies of cutting, and the server's clock being set back under it.
#include "fragmenter/cutter.h"

#include "tests/unit/fragmenter/recording.h"
#include "tests/unit/fragmenter/units.h"

namespace penstock::fragmenter {
namespace {

using namespace fragmenter::testing;  // NOLINT: the tests' own words
using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(CutPolicyTest, WhatCannotBeDoneIsNamedInsteadOfBeingMadeToFit) {
  const auto refusal = [](CutPolicy policy) {
    const Status checked = CheckPolicy(policy);
    return checked.ok() ? std::string() : checked.error().message();
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.duration_max = milliseconds(25'000)}), "");
  EXPECT_THAT(refusal({.duration_max = milliseconds(25'001)}), HasSubstr("25001 ms, not 100 to"));
  EXPECT_THAT(refusal({.duration_min = milliseconds(0), .duration_max = milliseconds(99)}),
              HasSubstr("longest duration is 99 ms"));
  EXPECT_THAT(refusal({.duration_min = milliseconds(10'001)}), HasSubstr("shortest duration"));
  EXPECT_THAT(refusal({.duration_min = milliseconds(-1)}), HasSubstr("shortest duration"));
  EXPECT_THAT(refusal({.bytes_max = 50'000'001}), HasSubstr("largest size is 50000001 bytes"));
  EXPECT_THAT(refusal({.bytes_max = 0}), HasSubstr("largest size is 0 bytes"));
  EXPECT_THAT(refusal({.bytes_min = 11, .bytes_max = 10}), HasSubstr("smallest size is 11"));
}

class CuttingTest : public ::testing::Test {
 protected:
  void Make(CutPolicy policy = {}) {
    recording_ = {};
    fragmenter_ = std::make_unique<Fragmenter>(policy, recording_.Sink());
    fragmenter_->SetTrack(VideoTrack());
  }
  // 25 pictures a second, a key frame a second. From `step_ms` on the server's clock is `step`
  // behind.
  void Play(int64_t to_ms, size_t bytes = 100, int64_t step_ms = 0,
            milliseconds step = milliseconds(0)) {
    for (int64_t ms = 0; ms < to_ms; ms += 40) {
      AccessUnit unit = Picture(ms, ms % 1000 == 0, bytes);
      if (ms >= step_ms) unit.received = unit.received - step;
      ASSERT_TRUE(fragmenter_->Push(std::move(unit)).ok());
    }
  }
  std::vector<int64_t> DurationsMs() const {
    std::vector<int64_t> out;
    for (const Fragment& fragment : recording_.fragments)
      out.push_back(fragment.duration.count() / 1000);
    return out;
  }

  Recording recording_;
  std::unique_ptr<Fragmenter> fragmenter_;
};

TEST_F(CuttingTest, KeyFramesBeforeTheLeastBytesDoNotCutButTheLongestDurationDoes) {
  Make({.duration_max = milliseconds(20'000), .bytes_min = 10'000});
  Play(8040);  // 25 pictures of 105 bytes a second, and what holds them
  for (const Fragment& fragment : recording_.fragments) EXPECT_GE(fragment.cluster.size(), 10'000u);
  EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{4000, 4000}));
  Make({.duration_max = milliseconds(5000), .bytes_min = 1'000'000});
  Play(10'040);
  EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{5000, 5000}));
}

// Tracks are gathered for half a second at the start; this is in the middle of it.
TEST_F(CuttingTest, AClockThatIsSetBackRightAfterTheStartHoldsNothingBack) {
  for (const milliseconds step : {milliseconds(300), milliseconds(900), milliseconds(3'600'000)}) {
    Make();
    Play(4000, 100, 200, step);
    EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{1000, 1000, 1000})) << step.count();
  }
}

TEST_F(CuttingTest, AClockThatIsSetBackAgainAndAgainHoldsNoMoreThanOneUnitMayHave) {
  Make();
  for (int64_t ms = 0; ms < 4000; ms += 40) {
    AccessUnit unit = Picture(ms, ms % 1000 == 0, 1'000'000);
    unit.received = ServerTimeFromMs(kStartMs - ms);
    ASSERT_TRUE(fragmenter_->Push(std::move(unit)).ok());
  }
  EXPECT_EQ(recording_.fragments.size(), 3u);
}

TEST_F(CuttingTest, AStreamThatStallsWhileTheClockIsSetBackIsFinishedByTheTick) {
  Make();
  Play(1000);
  for (int64_t ms = 0; ms <= 3000; ms += 1000)
    fragmenter_->Tick(ServerTimeFromMs(kStartMs + ms) - std::chrono::hours(1));
  EXPECT_EQ(DurationsMs(), std::vector<int64_t>{1000});
}

}  // namespace
}  // namespace penstock::fragmenter
