#include "tests/time_corpus/story.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <gtest/gtest.h>

#include "fragmenter/timeline/ticks.h"

namespace penstock::time_corpus {
namespace {

using fragmenter::Fragment;
using fragmenter::Fragmenter;
using fragmenter::Frame;
using fragmenter::TicksToUs;

constexpr int64_t kClockStepMs = 250;

class Recording final : public Listener {
 public:
  explicit Recording(Us settles)
      : settles_(settles), fragmenter_({}, [this](Fragment fragment) { OnFragment(fragment); }) {}

  void OnTrack(fragmenter::TrackConfig config) override {
    rates_[config.number] = config.clock_rate;
    fragmenter_.SetTrack(std::move(config));
  }
  void OnReport(uint32_t track, int64_t pts, ProducerTime producer, ServerTime received) override {
    fragmenter_.SenderReport(track, pts, producer, received);
  }
  void OnUnit(fragmenter::AccessUnit unit) override {
    const Status pushed = fragmenter_.Push(std::move(unit));
    EXPECT_TRUE(pushed.ok()) << pushed.error().ToString();
  }
  void OnSecond(ServerTime now) override { fragmenter_.Tick(now); }
  // As the recorder does with the machine's two clocks.
  void OnTime(Us t, ServerTime wall) override {
    const int64_t ahead_ms = ToMs(wall) - t / kMs;
    if (ahead_ms_ && std::abs(ahead_ms - *ahead_ms_) > kClockStepMs)
      fragmenter_.ServerClockSet(std::chrono::milliseconds(ahead_ms - *ahead_ms_));
    ahead_ms_ = ahead_ms;
  }

  Story Finish() {
    fragmenter_.Break();
    story_.counts = fragmenter_.clock_anomalies();
    for (size_t i = 0; i < fragmenter::kClockAnomalies; ++i) {
      if (story_.counts[i] > 0)
        story_.anomalies.emplace(
            fragmenter::ClockAnomalyName(static_cast<fragmenter::ClockAnomaly>(i)));
    }
    return story_;
  }

 private:
  void OnFragment(const Fragment& fragment) {
    ++story_.fragments;
    story_.runs += fragment.starts_run ? 1 : 0;
    story_.without_key_frame += fragment.flags.no_keyframe ? 1 : 0;
    story_.flagged += fragment.flags.clock_jump ? 1 : 0;
    EXPECT_EQ(fragment.flags.clock_jump, fragment.frames.raw_producer_us.has_value());
    story_.sane_at_end = fragment.flags.producer_time_sane;
    story_.lead_duration += fragment.duration.count();
    story_.longest_fragment = std::max<Us>(story_.longest_fragment, fragment.duration.count());
    if (fragment.starts_run) last_dts_.clear();
    const Bytes cluster = fragment.cluster.Flatten();
    bool first = true;
    for (const Frame& frame : fragment.frames.frames) {
      const Us captured = CapturedAt(cluster.span(), frame);
      if (std::exchange(first, false)) JudgeProducerTime(fragment, captured);
      JudgeOrder(frame);
      const Us shown = TicksToUs(frame.dts + frame.cts_offset, rates_[frame.track]);
      if (frame.track == kVideoTrack) {
        JudgePicture(frame, captured);
        picture_late_ = shown - captured;
      } else if (picture_late_) {
        JudgeSound(shown - captured - *picture_late_, captured);
      }
    }
  }

  void JudgeOrder(const Frame& frame) {
    const auto last = last_dts_.find(frame.track);
    if (last != last_dts_.end()) {
      EXPECT_GT(frame.dts, last->second);
    }
    EXPECT_GT(frame.duration, 0u);
    last_dts_[frame.track] = frame.dts;
  }

  // A picture that is not reordered stands for the time until the next one.
  void JudgePicture(const Frame& frame, Us captured) {
    if (last_captured_ && captured > *last_captured_) {
      const Us truth = std::max<Us>(captured - *last_captured_, kPictureInterval);
      story_.longest_too_long = std::max(story_.longest_too_long, last_shown_for_ - truth);
    }
    last_captured_ = captured;
    last_shown_for_ = TicksToUs(frame.duration, rates_[frame.track]);
  }

  void JudgeSound(Us apart, Us captured) {
    Us& max = captured >= settles_ ? story_.apart_max : story_.apart_early_max;
    max = std::max(max, std::abs(apart));
  }

  void JudgeProducerTime(const Fragment& fragment, Us captured) {
    if (captured < settles_) return;
    const Us error = ToUs(fragment.producer_time) - kStartMs * 1000 - captured;
    story_.producer_error_max = std::max(story_.producer_error_max, std::abs(error));
  }

  const Us settles_;
  Story story_;
  Fragmenter fragmenter_;
  std::map<uint32_t, uint32_t> rates_;
  std::map<uint32_t, int64_t> last_dts_;
  std::optional<int64_t> ahead_ms_;
  std::optional<Us> picture_late_;
  std::optional<Us> last_captured_;
  Us last_shown_for_ = 0;
};

}  // namespace

Story Record(const BadCamera& camera, Us settles) {
  Recording recording(settles);
  Play(camera, recording);
  return recording.Finish();
}

}  // namespace penstock::time_corpus
