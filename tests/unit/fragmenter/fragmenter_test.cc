#include "fragmenter/fragmenter.h"

#include "tests/unit/fragmenter/recording.h"
#include "tests/unit/fragmenter/units.h"

namespace penstock::fragmenter {
namespace {

using namespace fragmenter::testing;  // NOLINT: the tests' own words
using std::chrono::milliseconds;
using std::chrono::seconds;

class FragmenterTest : public ::testing::Test {
 protected:
  Fragmenter& Make(CutPolicy policy = {}) {
    fragmenter_ = std::make_unique<Fragmenter>(policy, recording_.Sink());
    return *fragmenter_;
  }
  void Push(AccessUnit unit) { ASSERT_TRUE(fragmenter_->Push(std::move(unit)).ok()); }

  // 25 pictures a second, a key frame every `gop_ms`; and audio beside it.
  void Play(int64_t from_ms, int64_t to_ms, int64_t gop_ms, bool audio = false) {
    int64_t sound = (from_ms * 48 + 1023) / 1024;
    for (int64_t ms = from_ms; ms < to_ms; ms += 40) {
      Push(Picture(ms, gop_ms > 0 && (ms - from_ms) % gop_ms == 0));
      for (; audio && sound * 1024 / 48 < ms + 40; ++sound) Push(Sound(sound));
    }
  }

  const std::vector<Fragment>& fragments() const { return recording_.fragments; }
  std::vector<int64_t> DurationsMs() const {
    std::vector<int64_t> out;
    for (const Fragment& fragment : fragments()) out.push_back(fragment.duration.count() / 1000);
    return out;
  }
  static size_t Count(const Fragment& fragment, uint32_t track) {
    return static_cast<size_t>(std::ranges::count(fragment.frames.frames, track, &Frame::track));
  }

  Recording recording_;
  std::unique_ptr<Fragmenter> fragmenter_;
};

TEST_F(FragmenterTest, AFragmentIsGivenOutWithTheKeyFrameThatFollowsIt) {
  Make().SetTrack(VideoTrack());
  Play(0, 2000, 2000);
  EXPECT_EQ(fragments().size(), 0u);
  Push(Picture(2000, true));
  ASSERT_EQ(fragments().size(), 1u);
  EXPECT_EQ(Count(fragments()[0], 1), 50u);
}

TEST_F(FragmenterTest, KeyFramesBeforeTheMinimumDoNotCut) {
  Make({.duration_min = milliseconds(1000)}).SetTrack(VideoTrack());
  Play(0, 4000, 400);
  fragmenter_->Break();
  EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{1200, 1200, 1200, 400}));
}

TEST_F(FragmenterTest, AKeyFrameASecondMeansAFragmentASecondThoughItComesAMomentEarly) {
  Make({.duration_min = milliseconds(1000)}).SetTrack(VideoTrack());
  for (int64_t i = 0; i < 75; ++i) Push(Picture(i * 39, i % 25 == 0));
  fragmenter_->Break();
  EXPECT_EQ(fragments().size(), 3u);
}

TEST_F(FragmenterTest, WithoutKeyFramesFragmentsEndAtTheMaximumAndSaySo) {
  Make({.duration_max = milliseconds(2000)}).SetTrack(VideoTrack());
  Play(0, 7000, 100'000);
  fragmenter_->Break();
  EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{2000, 2000, 2000, 1000}));
  EXPECT_FALSE(fragments()[0].flags.no_keyframe);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_TRUE(fragments()[i].flags.no_keyframe);
    EXPECT_FALSE(fragments()[i].starts_run);
  }
}

TEST_F(FragmenterTest, AStreamThatNeverHasAKeyFrameIsStoredAfterTheMaximum) {
  Make({.duration_max = milliseconds(2000)}).SetTrack(VideoTrack());
  Play(0, 6000, 0);
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 2u);
  EXPECT_TRUE(fragments()[0].flags.no_keyframe);
  EXPECT_EQ(fragments()[0].frames.frames[0].dts, 0);
}

TEST_F(FragmenterTest, BytesBeyondTheMaximumCut) {
  Make({.bytes_max = 100'000}).SetTrack(VideoTrack());
  for (int64_t i = 0; i < 10; ++i) Push(Picture(i * 40, i == 0, 30'000));
  fragmenter_->Break();
  for (const Fragment& fragment : fragments()) EXPECT_LE(fragment.cluster.size(), 100'000u);
  EXPECT_EQ(fragments().size(), 4u);
}

TEST_F(FragmenterTest, AudioBeforeTheCutStaysWithTheOldFragment) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  // The audio of each second comes 200 ms after its pictures.
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 6000; ms += 40) {
    Push(Picture(ms, ms % 2000 == 0));
    for (; sound * 1024 / 48 < ms - 200; ++sound) {
      AccessUnit unit = Sound(sound);
      unit.received = ServerTimeFromMs(kStartMs + ms);
      Push(std::move(unit));
    }
  }
  fragmenter_->Break();
  ASSERT_GE(fragments().size(), 3u);
  for (const Fragment& fragment : fragments()) {
    int64_t start_ms = 0;
    for (const Frame& frame : fragment.frames.frames) {
      if (frame.track == 1) {
        start_ms = frame.dts / 90;
        break;
      }
    }
    for (const Frame& frame : fragment.frames.frames) {
      if (frame.track == 2) {
        EXPECT_GE(frame.dts / 48, start_ms - 220);
      }
    }
  }
}

TEST_F(FragmenterTest, WhatComesBeforeTheFirstKeyFrameIsLeftOutAndAllTracksBeginTogether) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 3000; ms += 40) {
    for (; sound * 1024 / 48 <= ms; ++sound) Push(Sound(sound));
    Push(Picture(ms, ms == 1000));
  }
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 1u);
  EXPECT_TRUE(fragments()[0].frames.frames[0].key);
  EXPECT_EQ(recording_.Frames(1)[0].dts, 0);
  EXPECT_EQ(recording_.Frames(2)[0].dts, 0);
  EXPECT_EQ(recording_.Frames(1).size(), 50u);
  EXPECT_NEAR(static_cast<double>(recording_.Frames(2).size()), 1960.0 * 48 / 1024, 1.5);
}

TEST_F(FragmenterTest, ASilentAnnouncedTrackIsLeftOutAndJoinsWithANewRun) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  Play(0, 4000, 1000);
  ASSERT_GE(fragments().size(), 2u);
  EXPECT_EQ(fragments()[0].tracks->tracks.size(), 1u);
  Play(4000, 7000, 1000, true);
  fragmenter_->Break();
  std::vector<size_t> tracks;
  size_t runs = 0;
  for (const Fragment& fragment : fragments()) {
    tracks.push_back(fragment.tracks->tracks.size());
    runs += fragment.starts_run ? 1 : 0;
  }
  EXPECT_EQ(runs, 2u);
  EXPECT_TRUE(std::ranges::is_sorted(tracks));
  EXPECT_EQ(tracks.back(), 2u);
  EXPECT_GT(Count(fragments().back(), 2), 0u);
}

TEST_F(FragmenterTest, ATrackThatFallsSilentLeavesWithTheNextKeyFrame) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  Play(0, 3000, 1000, true);
  Play(3000, 9000, 1000);
  fragmenter_->Break();
  EXPECT_EQ(fragments().front().tracks->tracks.size(), 2u);
  EXPECT_EQ(fragments().back().tracks->tracks.size(), 1u);
  EXPECT_EQ(recording_.Frames(1).size(), 225u);
}

TEST_F(FragmenterTest, AudioGoesOnWhenVideoHasStopped) {
  Make({.duration_max = milliseconds(2000)}).SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  Play(0, 2000, 1000, true);
  for (int64_t n = 94; n < 94 + 47 * 8; ++n) Push(Sound(n));
  fragmenter_->Break();
  EXPECT_EQ(fragments().back().tracks->tracks.size(), 1u);
  EXPECT_EQ(fragments().back().tracks->tracks[0].number, 2u);
  EXPECT_GE(recording_.Frames(2).size(), 460u);
}

TEST_F(FragmenterTest, TheSameConfigurationAgainIsNoChange) {
  Make().SetTrack(VideoTrack());
  Play(0, 2000, 1000);
  fragmenter_->SetTrack(VideoTrack());
  Play(2000, 4000, 1000);
  fragmenter_->Break();
  EXPECT_EQ(fragments().size(), 4u);
  for (size_t i = 1; i < 4; ++i) EXPECT_FALSE(fragments()[i].starts_run);
}

TEST_F(FragmenterTest, ANewConfigurationCutsEvenBeforeTheMinimum) {
  Make().SetTrack(VideoTrack());
  Play(0, 1400, 1000);
  TrackConfig other = VideoTrack();
  other.width = 640;
  fragmenter_->SetTrack(other);
  Play(1400, 3000, 1000);
  fragmenter_->Break();
  EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{1000, 400, 1000, 600}));
  EXPECT_TRUE(fragments()[2].starts_run);
  EXPECT_EQ(fragments()[2].tracks->tracks[0].width, 640u);
  EXPECT_EQ(fragments()[1].tracks->tracks[0].width, 320u);
}

TEST_F(FragmenterTest, ABreakEndsTheFragmentAndTheRun) {
  Make().SetTrack(VideoTrack());
  Play(0, 1480, 1000);
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 2u);
  EXPECT_EQ(fragments()[1].duration, milliseconds(480));
  // The source comes back with other time stamps.
  Play(600'000, 601'000, 1000);
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 3u);
  EXPECT_TRUE(fragments()[2].starts_run);
  EXPECT_EQ(fragments()[2].frames.frames[0].dts, 0);
  fragmenter_->Break();
  EXPECT_EQ(fragments().size(), 3u);
}

TEST_F(FragmenterTest, AStreamThatStallsIsFinishedByTheTick) {
  Make({.duration_max = milliseconds(5000)}).SetTrack(VideoTrack());
  Play(0, 1000, 100'000);
  fragmenter_->Tick(ServerTimeFromMs(kStartMs + 4000));
  EXPECT_EQ(fragments().size(), 0u);
  fragmenter_->Tick(ServerTimeFromMs(kStartMs + 5100));
  ASSERT_EQ(fragments().size(), 1u);
  EXPECT_EQ(fragments()[0].duration, milliseconds(1000));
  Play(60'000, 61'000, 1000);
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 2u);
  EXPECT_TRUE(fragments()[1].starts_run);
}

TEST_F(FragmenterTest, AHoleLongerThanAFragmentStartsARun) {
  Make({.duration_max = milliseconds(5000)}).SetTrack(VideoTrack());
  Play(0, 1000, 1000);
  Play(30'000, 31'000, 1000);
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 2u);
  EXPECT_TRUE(fragments()[1].starts_run);
  EXPECT_EQ(fragments()[0].duration, milliseconds(1000));
}

TEST_F(FragmenterTest, VariableFrameRateKeepsEachDuration) {
  Make({.duration_min = milliseconds(0), .duration_max = milliseconds(10'000)})
      .SetTrack(VideoTrack());
  const std::vector<int64_t> times = {0, 40, 200, 233, 1500, 1501, 3000};
  for (const int64_t ms : times) Push(Picture(ms, ms == 0));
  Push(Picture(4000, true));
  ASSERT_EQ(fragments().size(), 1u);
  const std::vector<Frame> frames = recording_.Frames(1);
  for (size_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(frames[i].dts, times[i] * 90);
    EXPECT_EQ(frames[i].duration, ((i + 1 < times.size() ? times[i + 1] : 4000) - times[i]) * 90);
  }
}

TEST_F(FragmenterTest, AUnitThatLostPacketsFlagsItsFragmentAlone) {
  Make().SetTrack(VideoTrack());
  for (int64_t ms = 0; ms < 3000; ms += 40) {
    AccessUnit unit = Picture(ms, ms % 1000 == 0);
    unit.damaged = ms == 1400;
    Push(std::move(unit));
  }
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 3u);
  EXPECT_FALSE(fragments()[0].flags.damaged);
  EXPECT_TRUE(fragments()[1].flags.damaged);
  EXPECT_FALSE(fragments()[2].flags.damaged);
}

TEST_F(FragmenterTest, ALeapOfTheTimeStampsNeitherCutsNorStretchesAnything) {
  for (const int64_t leap_ms : {int64_t{-500'000}, int64_t{3'600'000}, int64_t{90'000'000}}) {
    SCOPED_TRACE(leap_ms);
    recording_ = {};
    Make().SetTrack(VideoTrack());
    for (int64_t ms = 0; ms < 4000; ms += 40) {
      AccessUnit unit = Picture(ms, ms % 2000 == 0);
      unit.pts += 100'000'000 + (ms >= 1000 ? leap_ms * 90 : 0);
      Push(std::move(unit));
    }
    fragmenter_->Break();
    EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{2000, 2000}));
    EXPECT_TRUE(fragments()[0].flags.clock_jump);
    EXPECT_TRUE(fragments()[0].frames.raw_producer_us.has_value());
    EXPECT_FALSE(fragments()[1].flags.clock_jump);
    EXPECT_FALSE(fragments()[1].starts_run);
  }
}

TEST_F(FragmenterTest, ProducerTimeComesFromSenderReportsWhereTheyAreSane) {
  Make().SetTrack(VideoTrack());
  // The camera's clock is 3 s behind the server's.
  fragmenter_->SenderReport(1, 0, ProducerTimeFromUs((kStartMs - 3000) * 1000),
                            ServerTimeFromMs(kStartMs));
  Play(0, 2000, 1000);
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 2u);
  EXPECT_TRUE(fragments()[0].flags.producer_time_sane);
  EXPECT_EQ(ToUs(fragments()[0].producer_time), (kStartMs - 3000) * 1000);
  EXPECT_EQ(ToUs(fragments()[1].producer_time), (kStartMs - 2000) * 1000);
  EXPECT_EQ(fragments()[1].received, ServerTimeFromMs(kStartMs + 1000));
}

TEST_F(FragmenterTest, AReportThatComesBeforeItsTrackIsNotLost) {
  Make();
  fragmenter_->SenderReport(1, 0, ProducerTimeFromUs((kStartMs - 3000) * 1000),
                            ServerTimeFromMs(kStartMs));
  fragmenter_->SetTrack(VideoTrack());
  Play(0, 1000, 1000);
  fragmenter_->Break();
  EXPECT_EQ(ToUs(fragments()[0].producer_time), (kStartMs - 3000) * 1000);
}

TEST_F(FragmenterTest, ACameraInAnotherEraIsGivenTheServersTime) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SenderReport(1, 0, ProducerTimeFromUs(5'000'000), ServerTimeFromMs(kStartMs));
  Play(0, 1000, 1000);
  fragmenter_->Break();
  EXPECT_FALSE(fragments()[0].flags.producer_time_sane);
  EXPECT_FALSE(fragments()[0].flags.clock_jump);
  EXPECT_EQ(ToUs(fragments()[0].producer_time), kStartMs * 1000);
}

TEST_F(FragmenterTest, ASetProducerClockIsFlaggedKeptRawAndDoesNotCut) {
  Make().SetTrack(VideoTrack());
  for (int64_t ms = 0; ms < 6000; ms += 40) {
    if (ms % 1000 == 0) {
      const int64_t producer_ms = kStartMs + ms + (ms >= 3000 ? 60'000 : 0);
      fragmenter_->SenderReport(1, ms * 90, ProducerTimeFromUs(producer_ms * 1000),
                                ServerTimeFromMs(kStartMs + ms));
    }
    Push(Picture(ms, ms % 2000 == 0));
  }
  fragmenter_->Break();
  EXPECT_EQ(DurationsMs(), (std::vector<int64_t>{2000, 2000, 2000}));
  EXPECT_TRUE(fragments()[1].flags.clock_jump);
  EXPECT_EQ(fragments()[1].frames.raw_producer_us, (kStartMs + 63'000) * 1000);
  EXPECT_EQ(ToUs(fragments()[2].producer_time), (kStartMs + 64'000) * 1000);
}

TEST_F(FragmenterTest, SenderReportsPutAudioBesideThePicturesItBelongsTo) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  // The audio's packets come 300 ms late; only the reports can tell.
  const auto start = ProducerTimeFromUs(kStartMs * 1000);
  fragmenter_->SenderReport(1, 0, start, ServerTimeFromMs(kStartMs));
  fragmenter_->SenderReport(2, 0, start, ServerTimeFromMs(kStartMs));
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 4000; ms += 40) {
    Push(Picture(ms, ms % 1000 == 0));
    for (; sound * 1024 / 48 < ms - 300; ++sound) {
      AccessUnit unit = Sound(sound);
      unit.received = ServerTimeFromMs(kStartMs + ms);
      Push(std::move(unit));
    }
    if (ms == 400) {
      fragmenter_->SenderReport(1, ms * 90, start + milliseconds(ms),
                                ServerTimeFromMs(kStartMs + ms));
      fragmenter_->SenderReport(2, ms * 48, start + milliseconds(ms),
                                ServerTimeFromMs(kStartMs + ms));
    }
  }
  fragmenter_->Break();
  const std::vector<Frame> frames = recording_.Frames(2);
  ASSERT_GT(frames.size(), 100u);
  // By the end, unit n is where its samples say.
  EXPECT_NEAR(static_cast<double>(frames.back().dts), static_cast<double>((sound - 1) * 1024), 480);
}

TEST_F(FragmenterTest, LostAudioLeavesItsGap) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 4000; ms += 40) {
    Push(Picture(ms, ms % 2000 == 0));
    for (; sound * 1024 / 48 <= ms; ++sound) {
      if (sound < 20 || sound >= 30) Push(Sound(sound));
    }
  }
  fragmenter_->Break();
  const std::vector<Frame> frames = recording_.Frames(2);
  EXPECT_EQ(frames[19].dts, 19 * 1024);
  EXPECT_EQ(frames[20].dts, 30 * 1024);
}

TEST_F(FragmenterTest, JitterOfAudioTimesIsSmoothedByCountingSamples) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 4000; ms += 40) {
    Push(Picture(ms, ms % 1000 == 0));
    for (; sound * 1024 / 48 <= ms; ++sound) {
      AccessUnit unit = Sound(sound);
      if (sound > 0) unit.pts += sound % 3 * 100 - 100;
      Push(std::move(unit));
    }
  }
  fragmenter_->Break();
  const std::vector<Frame> frames = recording_.Frames(2);
  for (size_t i = 0; i < frames.size(); ++i)
    EXPECT_EQ(frames[i].dts, static_cast<int64_t>(i) * 1024);
}

TEST_F(FragmenterTest, BadUnitsAreRefusedAndHarmNothing) {
  Make().SetTrack(VideoTrack());
  Push(Picture(0, true));
  AccessUnit large = Picture(40, false, 17'000'000);
  EXPECT_EQ(fragmenter_->Push(std::move(large)).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(fragmenter_->Push(Picture(40, false, 10, 7)).error().code(),
            ErrorCode::kInvalidArgument);
  AccessUnit empty = Picture(40, false);
  empty.data = {};
  EXPECT_EQ(fragmenter_->Push(std::move(empty)).error().code(), ErrorCode::kInvalidArgument);
  Push(Picture(80, false));
  fragmenter_->Break();
  ASSERT_EQ(fragments().size(), 1u);
  EXPECT_EQ(fragments()[0].frames.frames.size(), 2u);
}

TEST_F(FragmenterTest, ImpossibleTracksAreRefused) {
  Make();
  TrackConfig track = VideoTrack(0);
  fragmenter_->SetTrack(track);
  track.number = 127;
  fragmenter_->SetTrack(track);
  track.number = 1;
  track.clock_rate = 0;
  fragmenter_->SetTrack(track);
  EXPECT_FALSE(fragmenter_->Push(Picture(0, true)).ok());
}

TEST_F(FragmenterTest, NoFrameNeedsALargeAllocationOfOurs) {
  Make().SetTrack(VideoTrack());
  Push(Picture(0, true, 1'000'000));
  fragmenter_->Break();
  for (const Bytes& piece : fragments().at(0).cluster.pieces())
    EXPECT_LE(piece.size(), kChunkBytes);
}

}  // namespace
}  // namespace penstock::fragmenter
