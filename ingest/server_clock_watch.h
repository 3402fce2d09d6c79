// When somebody sets this machine's wall clock.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "base/time.h"

namespace penstock::ingest {

// Compares the wall clock with the steady one. Slow corrections (NTP slews by 0.5 ms a second) are
// none, for they are small against the time between two looks; a step is.
class ServerClockWatch {
 public:
  // By how much the wall clock was set since the last look; 0 if it was not. Cheap: each unit may
  // ask.
  std::chrono::milliseconds Look(const Clock& clock) {
    const SteadyTime before = clock.SteadyNow();
    const ServerTime wall = clock.Now();
    // Put aside for too long between the two: says nothing.
    if (clock.SteadyNow() - before > kLookMax) return {};
    const std::chrono::milliseconds ahead =
        wall.time_since_epoch() -
        std::chrono::duration_cast<std::chrono::milliseconds>(before.time_since_epoch());
    const std::chrono::milliseconds by = ahead - std::exchange(ahead_, ahead).value_or(ahead);
    return std::chrono::abs(by) > kStepMin ? by : std::chrono::milliseconds(0);
  }

 private:
  static constexpr std::chrono::milliseconds kStepMin{250};
  static constexpr std::chrono::milliseconds kLookMax{50};

  std::optional<std::chrono::milliseconds> ahead_;  // wall - steady
};

}  // namespace penstock::ingest
