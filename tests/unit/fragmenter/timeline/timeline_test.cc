#include "fragmenter/timeline/arrival_trend.h"
#include "fragmenter/timeline/producer_clock.h"
#include "fragmenter/timeline/rate_gauge.h"
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

TEST(DecodeTimes, ThoseThatStandStillAreMadeInstead) {
  DecodeTimes times(0);
  std::vector<AccessUnit> out;
  int found = 0;
  for (int64_t pts = 0; pts < 1000; pts += 10) {
    AccessUnit unit = Unit(pts);
    unit.dts = 0;
    found += times.Push(std::move(unit), false, out) ? 1 : 0;
  }
  EXPECT_EQ(found, 1);
  ASSERT_EQ(out.size(), 100u);
  for (size_t i = 1; i < out.size(); ++i) EXPECT_GT(*out[i].dts, *out[i - 1].dts);
  EXPECT_EQ(*out.back().dts, 990);
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

TEST(TickLine, AStepBackAmongReorderedPicturesIsNone) {
  TickLine line(90'000);
  int64_t ms = 0;
  for (const int64_t frame : {0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11}) {
    const TickLine::Place place = line.Put(frame * 3600, At(ms += 40));
    EXPECT_EQ(place.ticks, frame * 3600);
    EXPECT_EQ(place.leap, 0);
  }
  // Below the highest but two (4), and goes on an ordinary step (4) after the highest (12).
  EXPECT_EQ(line.Put(3 * 3600, At(ms += 40)).leap, (3 - 16) * 3600);
}

TEST(TickLine, AFilePushedInHasteKeepsItsTimes) {
  TickLine line(90'000);
  int64_t raw = 0;
  for (int i = 0; i < 1000; ++i) {
    // A pause of 8 s in the film, too.
    raw += i == 500 ? 8 * 90'000 : 3600;
    const TickLine::Place place = line.Put(raw, At(i / 10));
    EXPECT_EQ(place.ticks, raw);
  }
}

TEST(TickLine, OnePictureInFiveSecondsIsNoLeapLiveOrInHaste) {
  for (const int64_t interval_ms : {5000, 1}) {
    TickLine line(90'000);
    for (int64_t i = 0; i < 100; ++i)
      EXPECT_EQ(line.Put(i * 450'000, At(i * interval_ms)).ticks, i * 450'000);
  }
}

TEST(TickLine, WhatAStallHeldMayBeLeftOut) {
  TickLine line(90'000);
  for (int64_t ms = 0; ms < 10'000; ms += 40) line.Put(ms * 90, At(ms));
  // Nothing for 8 s; one picture from its beginning, then the next of now.
  EXPECT_EQ(line.Put(10'000 * 90, At(18'000)).leap, 0);
  EXPECT_EQ(line.Put(18'000 * 90, At(18'010)).leap, 0);
}

TEST(TickLine, StampsThatStandStillGoOnByArrivalUntilTheyMove) {
  TickLine line(90'000);
  line.Put(0, At(0));
  for (int64_t ms = 40; ms < 20'000; ms += 40) line.Put(0, At(ms));
  EXPECT_EQ(line.newest(), 19'960 * 90);
  EXPECT_FALSE(line.Put(3600, At(20'000)).frozen);
  EXPECT_EQ(line.newest(), 20'000 * 90);
}

TEST(TickLine, AnotherRateHoldsFromTheNewestOn) {
  TickLine line(90'000);
  line.Put(1000, At(0));
  line.Put(4000, At(40));
  line.SetRate(6, 5);
  EXPECT_EQ(line.Of(4000), 4000);
  EXPECT_EQ(line.Put(7000, At(80)).ticks, 7600);
  line.SetRate(1, 1);
  EXPECT_EQ(line.Put(10'600, At(120)).ticks, 11'200);
}

ProducerClock::Verdict Report(ProducerClock& clock, int64_t ms, int64_t producer_ms) {
  return clock.Report(ms, ProducerTimeFromUs(ToMs(At(producer_ms)) * 1000), At(ms), ms);
}

TEST(ProducerClock, FollowsTheServerUntilItIsTold) {
  ProducerClock clock(1000);
  EXPECT_FALSE(clock.Received(0, At(0)));
  EXPECT_EQ(clock.MapUs(500), ToMs(At(500)) * 1000);
  EXPECT_FALSE(clock.from_reports());
  EXPECT_EQ(Report(clock, 1000, 1000 + 2500), ProducerClock::Verdict::kAnchored);
  EXPECT_TRUE(clock.from_reports());
  EXPECT_EQ(clock.MapUs(1500), ToMs(At(4000)) * 1000);
}

TEST(ProducerClock, WithoutReportsDriftIsFollowedAgainAndAgain) {
  ProducerClock clock(1000);
  for (int64_t s = 0; s < 4 * 3600; ++s) {
    EXPECT_FALSE(clock.Received(s * 1000 + s / 2, At(s * 1000)));
    EXPECT_NEAR(static_cast<double>(clock.MapUs(s * 1000 + s / 2)), ToMs(At(s * 1000)) * 1e3, 6e5);
  }
}

TEST(ProducerClock, SmallCorrectionsAreSlewed) {
  ProducerClock clock(1000);
  const int64_t start_us = ToMs(At(0)) * 1000;
  Report(clock, 0, 0);
  EXPECT_EQ(Report(clock, 10'000, 10'000 + 50), ProducerClock::Verdict::kFollowed);
  EXPECT_EQ(clock.MapUs(10'000), start_us + 10'000'000);
  EXPECT_EQ(clock.MapUs(11'000), start_us + 11'000'000 + 2000);
  EXPECT_EQ(clock.MapUs(60'000), start_us + 60'000'000 + 50'000);
}

TEST(ProducerClock, AJumpIsFollowedWhenTheNextReportAgreesWithIt) {
  ProducerClock clock(1000);
  const int64_t start_us = ToMs(At(0)) * 1000;
  Report(clock, 0, 0);
  EXPECT_EQ(Report(clock, 1000, 31'000), ProducerClock::Verdict::kDoubted);
  EXPECT_EQ(clock.MapUs(1500), start_us + 1'500'000);
  EXPECT_EQ(Report(clock, 2000, 32'000), ProducerClock::Verdict::kJumped);
  EXPECT_EQ(clock.MapUs(3000), start_us + 33'000'000);
  EXPECT_TRUE(clock.from_reports());
}

TEST(ProducerClock, OneWildReportChangesNothingAndThreeEndBelief) {
  ProducerClock clock(1000);
  Report(clock, 0, 0);
  EXPECT_EQ(Report(clock, 1000, 90'000), ProducerClock::Verdict::kDoubted);
  EXPECT_EQ(Report(clock, 2000, 2000), ProducerClock::Verdict::kFollowed);
  EXPECT_EQ(Report(clock, 3000, 50'000), ProducerClock::Verdict::kDoubted);
  EXPECT_EQ(Report(clock, 4000, 20'000), ProducerClock::Verdict::kDoubted);
  EXPECT_EQ(Report(clock, 5000, -70'000), ProducerClock::Verdict::kJumped);
  EXPECT_FALSE(clock.from_reports());
  EXPECT_EQ(clock.MapUs(6000), ToMs(At(6000)) * 1000);
  // Two that agree are believed again.
  EXPECT_EQ(Report(clock, 7000, 9000), ProducerClock::Verdict::kDoubted);
  EXPECT_EQ(Report(clock, 8000, 10'000), ProducerClock::Verdict::kJumped);
  EXPECT_TRUE(clock.from_reports());
}

TEST(ProducerClock, AnInsaneOneIsLeftForTheServers) {
  ProducerClock clock(1000);
  Report(clock, 0, 0);
  EXPECT_EQ(Report(clock, 2000, -3'600'000), ProducerClock::Verdict::kInsane);
  EXPECT_EQ(Report(clock, 3000, -3'599'000), ProducerClock::Verdict::kJumped);
  EXPECT_FALSE(clock.from_reports());
  EXPECT_EQ(clock.MapUs(4000), ToMs(At(4000)) * 1000);
  EXPECT_EQ(clock.Report(4000, ProducerTimeFromUs(INT64_MIN), At(4000), 4000),
            ProducerClock::Verdict::kInsane);
}

TEST(ProducerClock, TheSameTimeAgainAndAReportOfOtherMediaAreNotFollowed) {
  ProducerClock clock(1000);
  Report(clock, 0, 0);
  EXPECT_EQ(Report(clock, 5000, 0), ProducerClock::Verdict::kFrozen);
  EXPECT_EQ(clock.Report(0, ProducerTimeFromUs(ToMs(At(20'000)) * 1000), At(20'000), 20'000),
            ProducerClock::Verdict::kDoubted);
  EXPECT_EQ(clock.MapUs(5000), ToMs(At(5000)) * 1000);
}

TEST(ProducerClock, ItsSteadyTimeDoesNotJump) {
  ProducerClock clock(1000);
  Report(clock, 0, 0);
  Report(clock, 1000, 1000);
  ASSERT_TRUE(clock.settled());
  Report(clock, 2000, 62'000);
  ASSERT_EQ(Report(clock, 3000, 63'000), ProducerClock::Verdict::kJumped);
  EXPECT_EQ(clock.MapUs(3000), ToMs(At(63'000)) * 1000);
  EXPECT_EQ(clock.SteadyUs(3000), ToMs(At(3000)) * 1000);
}

TEST(RateGauge, BelievesOnlyWhatFourClocksSayForTwentySeconds) {
  const auto reading = [](int64_t ms, int64_t per_ms, int64_t media_per_ms, int64_t wall_ms) {
    return RateGauge::Reading{ms * per_ms, ms * media_per_ms, ProducerTimeFromUs(wall_ms * 1000),
                              At(ms)};
  };
  RateGauge lies(90'000), haste(90'000), slow_wall(90'000);
  std::optional<RateGauge::Rate> rate;
  for (int64_t ms = 0; ms <= 20'000; ms += 5000) {
    EXPECT_FALSE(rate) << ms;
    rate = lies.Take(reading(ms, 75, 75, ms));
    EXPECT_FALSE(haste.Take(reading(ms, 90, 180, ms)));
    EXPECT_FALSE(slow_wall.Take(reading(ms, 75, 75, ms / 2)));
  }
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->ticks * 75, rate->raw * 90);
}

TEST(ArrivalFollower, FollowsDriftByTwoThousandPpmAndALeapWhenItLasts) {
  ArrivalTrend sound, pictures;
  ArrivalFollower follower;
  int64_t place_us = 7'000;
  for (int64_t ms = 0; ms < 3'600'000; ms += 20) {
    const int64_t leap_us = ms >= 1'800'000 ? 400'000 : 0;
    pictures.Note(ms * 1000, At(ms + ms * 7919 % 60));
    sound.Note(ms * 1000 + ms / 2 - leap_us, At(ms + ms * 104'729 % 60));
    place_us += follower.Take(sound, pictures, place_us);
    const int64_t truth_us = 7'000 - ms / 2 + leap_us;
    if (ms < 1'800'000 || ms > 1'840'000) {
      EXPECT_NEAR(static_cast<double>(place_us), static_cast<double>(truth_us), 15'000) << ms;
    }
  }
}

TEST(Ticks, AreRescaledToTheNearest) {
  EXPECT_EQ(Rescale(1, 90'000, 1'000'000), 11);
  EXPECT_EQ(Rescale(-1, 90'000, 1'000'000), -11);
  EXPECT_EQ(Rescale(INT64_MAX / 2, 90'000, 90'000), INT64_MAX / 2);
  EXPECT_EQ(TicksToUs(90'000, 90'000), 1'000'000);
}

}  // namespace
}  // namespace penstock::fragmenter
