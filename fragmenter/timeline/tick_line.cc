#include "fragmenter/timeline/tick_line.h"

#include <algorithm>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

// No clock is early by itself: what is ahead of the media's best time so far by more is a leap.
constexpr int64_t kSlackUs = kMicrosPerSecond / 2;
constexpr int64_t kSlackSteps = 4;
// How far ahead of the server's clock media may leap where its arrival says nothing; and the
// longest hole that is kept where a leap and a pause come together. Shorter than what begins a run.
constexpr int64_t kAheadMaxUs = 10 * kMicrosPerSecond;
constexpr int64_t kHasteUs = 2 * kMicrosPerSecond;
constexpr int64_t kForgetUs = 60 * kMicrosPerSecond;
constexpr int64_t kElapsedMaxUs = 24 * 3600 * kMicrosPerSecond;
// Stamps that move at less than a sixteenth of time's pace for half a second stand still. A pause
// between two units says little: it counts as a quarter of a second.
constexpr int64_t kStillUs = kMicrosPerSecond / 2;
constexpr int64_t kStillPaceMin = 16;
constexpr int64_t kStillPauseUs = kMicrosPerSecond / 4;

}  // namespace

int64_t TickLine::Of(int64_t raw) const {
  return base_ticks_ + Rescale(raw - base_raw_, rate_raw_, rate_ticks_);
}

void TickLine::Rebase(int64_t raw, int64_t ticks) {
  base_raw_ = raw;
  base_ticks_ = ticks;
}

void TickLine::SetRate(int64_t ticks, int64_t raw) {
  // The raw stamp of the newest unit; exact enough, since the rate is about to change.
  Rebase(base_raw_ + Rescale(newest() - base_ticks_, rate_ticks_, rate_raw_), newest());
  rate_ticks_ = ticks;
  rate_raw_ = raw;
}

bool TickLine::IsLeap(int64_t step, int64_t elapsed_us) const {
  if (step <= 0) return step != 0 && newest() + step <= highs_[2];
  const int64_t step_us = TicksToUs(step_, clock_rate_);
  const bool says_nothing = step_ == 0 || lag_us_ < -kHasteUs;
  const int64_t slack_us = says_nothing ? kAheadMaxUs : std::max(kSlackUs, kSlackSteps * step_us);
  const int64_t may_us = elapsed_us + std::max<int64_t>(lag_us_, 0) + slack_us;
  return step > UsToTicks(may_us, clock_rate_);
}

// Whether the stamps stand still, by what they moved since they last moved as time does.
bool TickLine::StandsStill(int64_t forward, int64_t elapsed_us) {
  still_us_ += std::min(elapsed_us, kStillPauseUs);
  moved_ticks_ += forward;
  if (TicksToUs(moved_ticks_, clock_rate_) * kStillPaceMin >= still_us_) {
    still_us_ = moved_ticks_ = 0;
    return false;
  }
  return frozen_ || still_us_ >= kStillUs;
}

TickLine::Place TickLine::PutFrozen(int64_t raw, int64_t elapsed_us) {
  Place place;
  place.frozen = true;
  place.frozen_before = frozen_;
  // What was missed before it was noticed is made up for at once.
  const int64_t forward_us = frozen_ ? elapsed_us : still_us_;
  place.ticks =
      newest() + std::max<int64_t>(UsToTicks(std::min(forward_us, kAheadMaxUs), clock_rate_), 1);
  frozen_ = true;
  still_us_ = moved_ticks_ = 0;
  Rebase(raw, place.ticks);
  return place;
}

void TickLine::Accept(int64_t forward, int64_t elapsed_us) {
  if (forward > 0) step_ = forward;
  // A stall is not forgotten while it lasts: what it held may still come, or be left out at once.
  lag_us_ -= Rescale(lag_us_, kForgetUs, std::min(elapsed_us, kStillPauseUs));
  lag_us_ += elapsed_us - TicksToUs(forward, clock_rate_);
  lag_us_ = std::clamp(lag_us_, -kAheadMaxUs, kAheadMaxUs);
}

TickLine::Place TickLine::Put(int64_t raw, ServerTime arrived) {
  if (!started_) {
    started_ = true;
    Rebase(raw, raw);
    // Until three are known, a second: pictures before the first key frame may be shown before it.
    highs_ = {raw, raw - clock_rate_ / 2, raw - clock_rate_};
    arrived_ = arrived;
    return Place{raw};
  }
  const int64_t elapsed_us =
      std::clamp<int64_t>((arrived - arrived_).count() * 1000, 0, kElapsedMaxUs);
  arrived_ = arrived;
  Place place{Of(raw)};
  const int64_t step = place.ticks - newest();
  if (IsLeap(step, elapsed_us)) {
    const int64_t forward =
        std::max<int64_t>({step_, UsToTicks(std::min(elapsed_us, kAheadMaxUs), clock_rate_), 1});
    place.leap = step - forward;
    place.ticks = newest() + forward;
    Rebase(raw, place.ticks);
    frozen_ = false;
    still_us_ = moved_ticks_ = 0;
  } else if (const int64_t forward = std::max<int64_t>(step, 0); StandsStill(forward, elapsed_us)) {
    place = PutFrozen(raw, elapsed_us);
  } else {
    frozen_ = false;
    Accept(forward, elapsed_us);
  }
  if (place.ticks > newest()) highs_ = {place.ticks, highs_[0], highs_[1]};
  return place;
}

}  // namespace penstock::fragmenter
