#include "fragmenter/timeline/producer_clock.h"

#include <algorithm>
#include <cstdlib>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

// A camera may be minutes off and still mean it; from a quarter of an hour on it is a wrong time
// zone, a wrong era or no NTP at all.
constexpr int64_t kSaneUs = int64_t{10} * 60 * kMicrosPerSecond;
// More than this at once is a clock that was set, not one that drifts.
constexpr int64_t kJumpUs = kMicrosPerSecond;
constexpr int64_t kSlewPpmMax = 2000;
// Arrival times jitter; as a reference they only count when they are off by more than jitter.
constexpr int64_t kArrivalDriftUs = kMicrosPerSecond / 2;
constexpr int64_t kArrivalJumpUs = int64_t{10} * kMicrosPerSecond;

}  // namespace

void ProducerClock::Anchor(int64_t ticks, int64_t us) {
  anchored_ = true;
  anchor_ticks_ = ticks;
  anchor_us_ = us;
  correction_us_ = 0;
}

void ProducerClock::Follow(int64_t ticks, int64_t us) {
  const int64_t now_us = MapUs(ticks);
  Anchor(ticks, now_us);
  correction_us_ = us - now_us;
}

int64_t ProducerClock::MapUs(int64_t ticks) const {
  const int64_t elapsed = TicksToUs(ticks - anchor_ticks_, clock_rate_);
  const int64_t slewed_max =
      std::max<int64_t>(elapsed, 0) / kMicrosPerSecond * kSlewPpmMax +
      std::max<int64_t>(elapsed, 0) % kMicrosPerSecond * kSlewPpmMax / kMicrosPerSecond;
  return anchor_us_ + elapsed + std::clamp(correction_us_, -slewed_max, slewed_max);
}

void ProducerClock::Received(int64_t ticks, ServerTime received) {
  if (from_reports_) return;
  const int64_t us = ToMs(received) * 1000;
  if (!anchored_) return Anchor(ticks, us);
  const int64_t error = us - MapUs(ticks);
  if (std::abs(error) > kArrivalJumpUs) return Anchor(ticks, us);
  if (std::abs(error) > kArrivalDriftUs && correction_us_ == 0) Follow(ticks, us);
}

ProducerClock::Verdict ProducerClock::Report(int64_t ticks, ProducerTime producer,
                                             ServerTime received) {
  const int64_t us = ToUs(producer);
  const int64_t server_us = ToMs(received) * 1000;
  // Compared without a difference that could overflow.
  if (us < server_us - kSaneUs || us > server_us + kSaneUs) {
    const bool was_believed = from_reports_;
    from_reports_ = false;
    if (was_believed) Anchor(ticks, server_us);
    return was_believed ? Verdict::kJumped : Verdict::kInsane;
  }
  if (!from_reports_) {
    from_reports_ = true;
    Anchor(ticks, us);
    return Verdict::kAnchored;
  }
  if (std::abs(us - MapUs(ticks)) > kJumpUs) {
    Anchor(ticks, us);
    return Verdict::kJumped;
  }
  Follow(ticks, us);
  return Verdict::kFollowed;
}

}  // namespace penstock::fragmenter
