// GET /api/v1/streams/{stream}/coverage.
#include "tests/unit/server/http/front_fixture.h"

namespace penstock::server {
namespace {

using store::GapReason;
using testing::ElementsAre;
using testing::HasSubstr;

class CoverageApiTest : public FrontTest {
 protected:
  CoverageApiTest() {
    CreateStream("door");
    start_ms_ = ToMs(clock_.Now()) - 100'000;
  }
  void Add(int64_t at_ms, int64_t duration_ms, GapReason before = GapReason::kNone) {
    store::ItemHeader item;
    item.server_time = ServerTimeFromMs(start_ms_ + at_ms);
    item.duration = std::chrono::milliseconds(duration_ms);
    item.gap_reason = before;
    if (before != GapReason::kNone) item.flags = store::kFlagStartsRun;
    store_.Shard("door").Add(item, Bytes::Copy("12345"));
  }
  int AskCoverage(std::string query = "") {
    return Ask("GET", "/api/v1/streams/door/coverage" + query);
  }
  std::string At(int64_t ms) const { return std::to_string(start_ms_ + ms); }
  int64_t Offset(std::string_view time) const { return ToMs(*ParseTime(time)) - start_ms_; }
  // "0-4000 stored 2", "4000-9000 restart", "9000-9500 camera-lost open"
  std::vector<std::string> Told() const {
    std::vector<std::string> out;
    for (const Json& range : json_["ranges"].array()) {
      std::string text = std::to_string(Offset(range["start"].AsString())) + "-" +
                         std::to_string(Offset(range["end"].AsString())) + " ";
      if (range["stored"].AsBool()) {
        text += "stored " + std::to_string(range["fragments"].AsInt());
      } else {
        text += std::string(range["reason"].AsString()) + (range["open"].AsBool() ? " open" : "");
      }
      out.push_back(std::move(text));
    }
    return out;
  }

  int64_t start_ms_ = 0;
};

TEST_F(CoverageApiTest, TellsWhatIsStoredAndWhyTheRestIsNot) {
  Add(0, 2000);
  Add(2000, 2000);
  Add(9000, 1000, GapReason::kRestart);
  EXPECT_EQ(AskCoverage(), 200) << text_;
  EXPECT_THAT(Told(), ElementsAre("0-4000 stored 2", "4000-9000 restart", "9000-10000 stored 1"));
  EXPECT_EQ(json_["stored_ms"].AsInt(), 5000);
  EXPECT_EQ(json_["missing_ms"].AsInt(), 5000);
  EXPECT_EQ(json_["ranges"].array()[0]["duration_ms"].AsInt(), 4000);
  EXPECT_EQ(json_["ranges"].array()[0]["bytes"].AsInt(), 10);
  EXPECT_TRUE(json_["expired_before"].is_null());
  EXPECT_TRUE(json_["next"].is_null());
}

TEST_F(CoverageApiTest, APartTellsWhatHappenedInThatTimeOnly) {
  Add(0, 2000);
  Add(2000, 2000);
  Add(9000, 1000, GapReason::kRestart);
  EXPECT_EQ(AskCoverage("?start=" + At(3000) + "&end=" + At(9500)), 200);
  EXPECT_THAT(Told(), ElementsAre("3000-4000 stored 1", "4000-9000 restart", "9000-9500 stored 1"));
  EXPECT_EQ(AskCoverage("?start=" + At(5000) + "&end=" + At(6000)), 200);
  EXPECT_THAT(Told(), ElementsAre("5000-6000 restart"));
  EXPECT_EQ(AskCoverage("?end=" + At(2500)), 200);
  EXPECT_THAT(Told(), ElementsAre("0-2500 stored 2"));
  EXPECT_EQ(AskCoverage("?start=" + At(-9000) + "&end=" + At(-1)), 200);
  EXPECT_TRUE(Told().empty()) << text_;
}

TEST_F(CoverageApiTest, WhatIsMissingUntilNowIsOpen) {
  Add(0, 2000);
  EXPECT_EQ(AskCoverage(), 200);
  EXPECT_THAT(Told(), ElementsAre("0-2000 stored 1")) << "more is on its way";
  sources_.why_nothing = GapReason::kCameraLost;
  EXPECT_EQ(AskCoverage(), 200);
  EXPECT_THAT(Told(), ElementsAre("0-2000 stored 1", "2000-100000 camera-lost open"));
  EXPECT_EQ(AskCoverage("?start=" + At(50'000)), 200);
  EXPECT_THAT(Told(), ElementsAre("50000-100000 camera-lost open"));
  EXPECT_EQ(AskCoverage("?start=" + At(50'000) + "&end=" + At(60'000)), 200);
  EXPECT_THAT(Told(), ElementsAre("50000-60000 camera-lost"));
  EXPECT_EQ(AskCoverage("?start=" + At(50'000) + "&end=" + At(200'000)), 200);
  EXPECT_THAT(Told(), ElementsAre("50000-100000 camera-lost open"));
}

TEST_F(CoverageApiTest, AStreamWithoutMediaMissesNothing) {
  sources_.why_nothing = GapReason::kCameraLost;
  EXPECT_EQ(AskCoverage(), 200);
  EXPECT_TRUE(Told().empty());
}

// Of ten fragments of two seconds 2, 3 and 5 are held, and 8 and 9 are young.
class CoverageOfHoldsTest : public CoverageApiTest {
 protected:
  CoverageOfHoldsTest() {
    for (int64_t i = 0; i < 10; ++i) Add(i * 2000, 2000);
    store_.Shard("door").Expire(8);
    store_.Shard("door").Hold(2, 4);
    store_.Shard("door").Hold(5, 6);
  }
};

TEST_F(CoverageOfHoldsTest, WhatWentBetweenThemHasExpired) {
  EXPECT_EQ(AskCoverage(), 200) << text_;
  EXPECT_THAT(Told(),
              ElementsAre("4000-8000 stored 2", "8000-10000 expired", "10000-12000 stored 1",
                          "12000-16000 expired", "16000-20000 stored 2"));
  EXPECT_EQ(json_["stored_ms"].AsInt(), 10'000);
  EXPECT_EQ(json_["expired_ms"].AsInt(), 6000);
  EXPECT_EQ(json_["missing_ms"].AsInt(), 0);
  EXPECT_EQ(Offset(json_["expired_before"].AsString()), 4000);
}

TEST_F(CoverageOfHoldsTest, APartThatBeginsWhereAllHasExpiredSaysSo) {
  EXPECT_EQ(AskCoverage("?start=" + At(13'000) + "&end=" + At(17'000)), 200);
  EXPECT_THAT(Told(), ElementsAre("13000-16000 expired", "16000-17000 stored 2"));
  EXPECT_EQ(AskCoverage("?start=" + At(8500) + "&end=" + At(9500)), 200);
  EXPECT_THAT(Told(), ElementsAre("8500-9500 expired"));
  EXPECT_EQ(AskCoverage("?start=" + At(1000) + "&end=" + At(5000)), 200);
  EXPECT_THAT(Told(), ElementsAre("4000-5000 stored 2"));
}

TEST_F(CoverageOfHoldsTest, AnAnswerGoesOnBehindOne) {
  const auto held = SyncWait(store_.Shard("door").Find(store::FromOrdinal{5}, 1)).value();
  EXPECT_EQ(AskCoverage("?after=" + held[0].header.number.ToString()), 200);
  EXPECT_THAT(Told(), ElementsAre("12000-16000 expired", "16000-20000 stored 2"));
}

TEST_F(CoverageOfHoldsTest, WithoutAnythingYoungerTheRestIsExpiredAsFarAsTheRetentionReaches) {
  store_.Shard("door").Expire(10);
  clock_.SetWall(ServerTimeFromMs(start_ms_) + std::chrono::hours(25));
  EXPECT_EQ(AskCoverage("?start=" + At(11'000)), 200);
  EXPECT_THAT(Told(), ElementsAre("11000-12000 stored 1", "12000-3600000 expired"));
  sources_.why_nothing = GapReason::kCameraLost;
  EXPECT_EQ(AskCoverage("?start=" + At(20'000)), 200);
  EXPECT_THAT(Told(), ElementsAre("20000-3600000 expired", "3600000-90000000 camera-lost open"));
}

TEST_F(CoverageOfHoldsTest, SpansEndWhereSomethingHasGone) {
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/ranges"), 200);
  std::vector<int64_t> starts;
  for (const Json& range : json_["ranges"].array())
    starts.push_back(Offset(range["start"].AsString()));
  EXPECT_THAT(starts, ElementsAre(4000, 10'000, 16'000));
}

TEST_F(CoverageApiTest, ALongAnswerComesInPartsThatFitTogether) {
  constexpr int64_t kFragments = 90'000;
  for (int64_t i = 0; i < kFragments; ++i) Add(i * 1000, 1000);
  Add(kFragments * 1000 + 500, 1000, GapReason::kOverload);
  EXPECT_EQ(AskCoverage(), 200);
  ASSERT_EQ(json_["ranges"].array().size(), 1u);
  const int64_t first = json_["ranges"].array()[0]["fragments"].AsInt();
  EXPECT_LT(first, kFragments);
  const std::string until(json_["ranges"].array()[0]["end"].AsString());
  const std::string next(json_["next"].AsString());
  ASSERT_FALSE(next.empty());
  EXPECT_EQ(AskCoverage("?after=" + next), 200);
  ASSERT_EQ(json_["ranges"].array().size(), 3u);
  EXPECT_EQ(json_["ranges"].array()[0]["start"].AsString(), until);
  EXPECT_EQ(json_["ranges"].array()[0]["fragments"].AsInt(), kFragments - first);
  EXPECT_EQ(json_["ranges"].array()[1]["reason"].AsString(), "overload");
  EXPECT_TRUE(json_["next"].is_null());
}

TEST_F(CoverageApiTest, WhatIsNotUnderstoodIsRefused) {
  EXPECT_EQ(AskCoverage("?start=soon"), 400);
  EXPECT_EQ(AskCoverage("?after=17"), 400);
  EXPECT_EQ(AskCoverage("?limit=3"), 400);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/yard/coverage"), 404);
}

TEST_F(CoverageApiTest, AFragmentIsListedWithWhatIsMissingBeforeIt) {
  Add(0, 2000);
  Add(9000, 1000, GapReason::kRestart);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments"), 200);
  EXPECT_TRUE(json_["fragments"].array()[0]["gap_before"].is_null());
  EXPECT_EQ(json_["fragments"].array()[1]["gap_before"].AsString(), "restart");
  EXPECT_TRUE(json_["fragments"].array()[1]["gap_reason"].is_null());
}

}  // namespace
}  // namespace penstock::server
