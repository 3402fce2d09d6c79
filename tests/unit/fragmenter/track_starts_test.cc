// Tracks laid beside each other by where playing started.
#include "fragmenter/fragmenter.h"
#include "tests/unit/fragmenter/recording.h"
#include "tests/unit/fragmenter/units.h"

namespace penstock::fragmenter {
namespace {

using namespace fragmenter::testing;  // NOLINT: the tests' own words
using std::chrono::milliseconds;

class TrackStartsTest : public ::testing::Test {
 protected:
  Fragmenter& Make() {
    fragmenter_ = std::make_unique<Fragmenter>(CutPolicy(), recording_.Sink());
    return *fragmenter_;
  }
  void Push(AccessUnit unit) { ASSERT_TRUE(fragmenter_->Push(std::move(unit)).ok()); }

  Recording recording_;
  std::unique_ptr<Fragmenter> fragmenter_;
};

// Pictures come at once from the last key frame on, 800 ms back; sound comes as it is made.
TEST_F(TrackStartsTest, StartsOfTheSameInstantPutAudioBesideThePicturesItBelongsTo) {
  for (const bool told : {false, true}) {
    for (const bool picture_first : {true, false}) {
      recording_.fragments.clear();
      recording_.last_dts.clear();
      Make();
      if (told) fragmenter_->StartsAt(1, 0);
      fragmenter_->SetTrack(VideoTrack());
      fragmenter_->SetTrack(AudioTrack());
      if (told) fragmenter_->StartsAt(2, 0);
      int64_t picture_ms = 0;
      int64_t sound = 38;  // of 811 ms
      const auto pictures = [&](int64_t now_ms) {
        for (; picture_ms <= now_ms; picture_ms += 40) {
          AccessUnit unit = Picture(picture_ms, picture_ms % 1000 == 0);
          unit.received = ServerTimeFromMs(kStartMs + now_ms);
          Push(std::move(unit));
        }
      };
      if (picture_first) pictures(810);
      for (int64_t ms = 820; ms < 4000; ms += 40) {
        for (; sound * 1024 / 48 <= ms; ++sound) Push(Sound(sound));
        pictures(ms);
      }
      fragmenter_->Break();
      const std::vector<Frame> frames = recording_.Frames(2);
      ASSERT_GT(frames.size(), 100u);
      // Told of it, sound begins 811 ms after the picture; else where it came, beside or 11 1/3 ms
      // behind it, and it waits for nothing.
      EXPECT_NEAR(static_cast<double>(frames.front().dts) / 48, told ? 811 : 0, told ? 11 : 11.4)
          << told << picture_first;
      EXPECT_EQ(recording_.Frames(1).front().dts, 0);
    }
  }
}

// As ffmpeg pushes: it holds sound back until there is a picture, too, and sends one report a
// track, before its first packet.
TEST_F(TrackStartsTest, ReportsFromBeforeTheFirstPacketPutTracksBesideEachOther) {
  Make();
  const auto zero = ProducerTimeFromUs(kStartMs * 1000);
  const auto sound_until = [this](int64_t& next, int64_t ms) {
    for (; next * 1024 / 48 <= ms; ++next) {
      AccessUnit unit = Sound(next);
      unit.received = ServerTimeFromMs(kStartMs + std::max<int64_t>(ms, 400));
      Push(std::move(unit));
    }
  };
  int64_t sound = 0;
  fragmenter_->SenderReport(2, 0, zero, ServerTimeFromMs(kStartMs + 400));
  fragmenter_->SetTrack(AudioTrack());
  sound_until(sound, 400);
  fragmenter_->SenderReport(1, 0, zero, ServerTimeFromMs(kStartMs + 400));
  fragmenter_->SetTrack(VideoTrack());
  for (int64_t ms = 400; ms < 4400; ms += 40) {
    Push(Picture(ms, ms % 1000 == 400));
    sound_until(sound, ms);
  }
  fragmenter_->Break();
  const std::vector<Frame> frames = recording_.Frames(2);
  ASSERT_GT(frames.size(), 100u);
  EXPECT_EQ(frames.front().dts, 0);
  // What came last was made with the last picture, 3.96 s after the first.
  EXPECT_NEAR(static_cast<double>(frames.back().dts) / 48, 3960, 22);
}

TEST_F(TrackStartsTest, SenderReportsKnowBetterThanStarts) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  // A camera that says of both tracks that they start now, but sound is half a second later.
  fragmenter_->StartsAt(1, 0);
  fragmenter_->StartsAt(2, 0);
  const auto start = ProducerTimeFromUs(kStartMs * 1000);
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 4000; ms += 40) {
    Push(Picture(ms, ms % 1000 == 0));
    for (; sound * 1024 / 48 < ms; ++sound) {
      AccessUnit unit = Sound(sound);
      unit.received = ServerTimeFromMs(kStartMs + ms);
      Push(std::move(unit));
    }
    if (ms == 400) {
      const ServerTime received = ServerTimeFromMs(kStartMs + ms);
      fragmenter_->SenderReport(1, ms * 90, start + milliseconds(ms), received);
      fragmenter_->SenderReport(2, ms * 48, start + milliseconds(ms + 500), received);
    }
    // Said again, as by a camera that is asked to PLAY again: not believed any more.
    if (ms == 800) fragmenter_->StartsAt(2, 0);
  }
  fragmenter_->Break();
  const std::vector<Frame> frames = recording_.Frames(2);
  EXPECT_NEAR(static_cast<double>(frames.back().dts),
              static_cast<double>((sound - 1) * 1024 + 24'000), 480);
}

TEST_F(TrackStartsTest, ABreakForgetsWhereItStarted) {
  Make().SetTrack(VideoTrack());
  fragmenter_->SetTrack(AudioTrack());
  fragmenter_->StartsAt(1, 0);
  fragmenter_->StartsAt(2, 48'000 * 2);
  fragmenter_->Break();
  int64_t sound = 0;
  for (int64_t ms = 0; ms < 3000; ms += 40) {
    Push(Picture(ms, ms % 1000 == 0));
    for (; sound * 1024 / 48 <= ms; ++sound) Push(Sound(sound));
  }
  fragmenter_->Break();
  EXPECT_EQ(recording_.Frames(2).front().dts, 0);
}

}  // namespace
}  // namespace penstock::fragmenter
