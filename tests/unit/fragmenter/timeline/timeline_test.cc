#include "fragmenter/timeline/producer_clock.h"
#include "fragmenter/timeline/reorder.h"
#include "fragmenter/timeline/tick_line.h"
#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

using std::chrono::milliseconds;

ServerTime At(int64_t ms) { return ServerTimeFromMs(1'700'000'000'000 + ms); }

AccessUnit Unit(int64_t pts) {
  AccessUnit unit;
  unit.pts = pts;
  return unit;
}

struct Times {
  std::vector<int64_t> pts, dts;
};
Times Feed(DecodeTimes& times, const std::vector<int64_t>& input, bool flush = true) {
  std::vector<AccessUnit> out;
  for (size_t i = 0; i < input.size(); ++i) times.Push(Unit(input[i]), i == 0, out);
  if (flush) times.Flush(out);
  Times result;
  for (const AccessUnit& unit : out) {
    result.pts.push_back(unit.pts);
    result.dts.push_back(*unit.dts);
  }
  return result;
}

TEST(DecodeTimes, WithoutReorderingTheyAreThePresentationTimesAtOnce) {
  DecodeTimes times(0);
  EXPECT_EQ(Feed(times, {0, 10, 25, 30}, false).dts, (std::vector<int64_t>{0, 10, 25, 30}));
}

TEST(DecodeTimes, AreTheSortedPresentationTimesInDecodingOrder) {
  DecodeTimes times(2);
  // I0 P4 B2 b1 b3 P8 ...
  const Times result = Feed(times, {0, 40, 20, 10, 30, 80, 60, 50, 70});
  EXPECT_EQ(result.pts, (std::vector<int64_t>{0, 40, 20, 10, 30, 80, 60, 50, 70}));
  EXPECT_EQ(result.dts, (std::vector<int64_t>{0, 10, 20, 30, 40, 50, 60, 70, 80}));
}

TEST(DecodeTimes, AClosedEntryReleasesWhatIsHeld) {
  DecodeTimes times(2);
  std::vector<AccessUnit> out;
  times.Push(Unit(0), true, out);
  times.Push(Unit(20), false, out);
  EXPECT_EQ(out.size(), 0u);
  times.Push(Unit(30), true, out);
  EXPECT_EQ(out.size(), 2u);
}

TEST(DecodeTimes, AnUnsaidDepthIsObserved) {
  DecodeTimes none(std::nullopt);
  std::vector<int64_t> plain(70);
  for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<int64_t>(i) * 10;
  Feed(none, plain);
  EXPECT_EQ(none.depth(), 0u);

  DecodeTimes two(std::nullopt);
  std::vector<int64_t> pyramid = {0};
  for (int64_t gop = 0; gop < 20; ++gop) {
    for (const int64_t pts : {40, 20, 10, 30}) pyramid.push_back(gop * 40 + pts);
  }
  const Times result = Feed(two, pyramid);
  EXPECT_EQ(two.depth(), 2u);
  for (size_t i = 0; i < result.dts.size(); ++i)
    EXPECT_EQ(result.dts[i], static_cast<int64_t>(i) * 10);
}

TEST(DecodeTimes, ABrokenPromiseStillGivesAscendingTimes) {
  DecodeTimes times(0);
  const Times result = Feed(times, {0, 40, 20, 10, 30, 80, 60, 50, 70});
  for (size_t i = 1; i < result.dts.size(); ++i) EXPECT_GT(result.dts[i], result.dts[i - 1]);
  EXPECT_EQ(times.depth(), 2u);
}

TEST(DecodeTimes, EqualPresentationTimesGiveAscendingDecodeTimes) {
  DecodeTimes times(0);
  EXPECT_EQ(Feed(times, {0, 5, 5, 5, 10}).dts, (std::vector<int64_t>{0, 5, 6, 7, 10}));
}

TEST(DecodeTimes, ThoseAProtocolCarriesAreKeptUpToTheirStart) {
  DecodeTimes times(2);
  std::vector<AccessUnit> out;
  for (const auto& [pts, dts] :
       std::vector<std::pair<int64_t, int64_t>>{{20, 0}, {60, 10}, {40, 20}}) {
    AccessUnit unit = Unit(pts);
    unit.dts = dts;
    times.Push(std::move(unit), false, out);
  }
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].dts, 20);
  EXPECT_EQ(out[2].dts, 40);
}

TEST(TickLine, OrdinaryTimesStayAsTheyAre) {
  TickLine line(90'000);
  for (const int64_t raw : {900'000, 903'600, 910'800, 907'200})
    EXPECT_EQ(line.Put(raw, At(raw / 90)).ticks, raw);
}

TEST(TickLine, ALeapGoesOnAsMuchLaterAsTheServerSawPass) {
  for (const int64_t leap : {int64_t{-90'000'000}, int64_t{90'000'000}, int64_t{1} << 40}) {
    TickLine line(90'000);
    line.Put(0, At(0));
    line.Put(3600, At(40));
    const TickLine::Place place = line.Put(leap + 7200, At(80));
    EXPECT_EQ(place.ticks, 7200);
    EXPECT_EQ(place.leap, leap);
    EXPECT_EQ(line.Put(leap + 10'800, At(120)).ticks, 10'800);
    EXPECT_EQ(line.Of(leap + 10'800), 10'800);
  }
}

TEST(TickLine, APauseThatTheServerSawIsNoLeap) {
  TickLine line(90'000);
  line.Put(0, At(0));
  const TickLine::Place place = line.Put(90'000 * 60, At(60'000));
  EXPECT_EQ(place.leap, 0);
  EXPECT_EQ(place.ticks, 90'000 * 60);
}

TEST(ProducerClock, FollowsTheServerUntilItIsTold) {
  ProducerClock clock(1000);
  clock.Received(0, At(0));
  EXPECT_EQ(clock.MapUs(500), ToMs(At(500)) * 1000);
  EXPECT_FALSE(clock.from_reports());
  EXPECT_EQ(clock.Report(1000, ProducerTimeFromUs(ToMs(At(1000 + 2500)) * 1000), At(1000)),
            ProducerClock::Verdict::kAnchored);
  EXPECT_TRUE(clock.from_reports());
  EXPECT_EQ(clock.MapUs(1500), ToMs(At(4000)) * 1000);
}

TEST(ProducerClock, SmallCorrectionsAreSlewed) {
  ProducerClock clock(1000);
  const int64_t start_us = ToMs(At(0)) * 1000;
  clock.Report(0, ProducerTimeFromUs(start_us), At(0));
  EXPECT_EQ(clock.Report(10'000, ProducerTimeFromUs(start_us + 10'000'000 + 50'000), At(10'000)),
            ProducerClock::Verdict::kFollowed);
  EXPECT_EQ(clock.MapUs(10'000), start_us + 10'000'000);
  EXPECT_EQ(clock.MapUs(11'000), start_us + 11'000'000 + 2000);
  EXPECT_EQ(clock.MapUs(60'000), start_us + 60'000'000 + 50'000);
}

TEST(ProducerClock, ASetClockIsAJumpAndAnInsaneOneIsLeftForTheServers) {
  ProducerClock clock(1000);
  const int64_t start_us = ToMs(At(0)) * 1000;
  clock.Report(0, ProducerTimeFromUs(start_us), At(0));
  EXPECT_EQ(clock.Report(1000, ProducerTimeFromUs(start_us + 31'000'000), At(1000)),
            ProducerClock::Verdict::kJumped);
  EXPECT_EQ(clock.MapUs(2000), start_us + 32'000'000);
  EXPECT_EQ(clock.Report(2000, ProducerTimeFromUs(0), At(2000)), ProducerClock::Verdict::kJumped);
  EXPECT_FALSE(clock.from_reports());
  EXPECT_EQ(clock.MapUs(3000), start_us + 3'000'000);
  EXPECT_EQ(clock.Report(3000, ProducerTimeFromUs(INT64_MIN), At(3000)),
            ProducerClock::Verdict::kInsane);
}

TEST(Ticks, AreRescaledToTheNearest) {
  EXPECT_EQ(Rescale(1, 90'000, 1'000'000), 11);
  EXPECT_EQ(Rescale(-1, 90'000, 1'000'000), -11);
  EXPECT_EQ(Rescale(INT64_MAX / 2, 90'000, 90'000), INT64_MAX / 2);
  EXPECT_EQ(TicksToUs(90'000, 90'000), 1'000'000);
}

}  // namespace
}  // namespace penstock::fragmenter
