#include "fragmenter/timeline/tick_line.h"

#include <algorithm>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

using std::chrono::milliseconds;

// Reordered pictures step back, by a few frames of even a slow stream; more is a clock that was
// set.
constexpr milliseconds kStepBackMax{3000};
// How much faster than the server's clock media may come: a sender that empties its buffer, a file
// pushed in haste.
constexpr milliseconds kAheadMax{10'000};

int64_t Ticks(milliseconds time, uint32_t rate) { return Rescale(time.count(), 1000, rate); }

}  // namespace

TickLine::Place TickLine::Put(int64_t raw, ServerTime received) {
  Place place{raw + shift_, 0};
  if (!started_) {
    started_ = true;
    newest_ = place.ticks;
    received_ = received;
    return place;
  }
  const milliseconds elapsed =
      std::clamp<milliseconds>(received - received_, milliseconds(0), std::chrono::hours(24));
  const int64_t step = place.ticks - newest_;
  if (step < -Ticks(kStepBackMax, clock_rate_) || step > Ticks(elapsed + kAheadMax, clock_rate_)) {
    const int64_t ticks =
        newest_ + std::max(step_, Ticks(std::min(elapsed, kAheadMax), clock_rate_));
    place.leap = place.ticks - ticks;
    shift_ -= place.leap;
    place.ticks = ticks;
  } else if (step > 0 && step < clock_rate_) {
    step_ = step;
  }
  newest_ = std::max(newest_, place.ticks);
  received_ = received;
  return place;
}

}  // namespace penstock::fragmenter
