#pragma once

#include <atomic>

#include "base/time.h"

namespace penstock::testing {

// A clock that stands still until it is told to move, and that the store's threads may read
// meanwhile.
class SharedClock final : public Clock {
 public:
  explicit SharedClock(ServerTime start) : wall_ms_(ToMs(start)) {}
  ServerTime Now() const override { return ServerTimeFromMs(wall_ms_.load()); }
  SteadyTime SteadyNow() const override {
    return SteadyTime(std::chrono::milliseconds(steady_ms_.load()));
  }
  // Both clocks move.
  void Advance(std::chrono::milliseconds by) {
    wall_ms_ += by.count();
    steady_ms_ += by.count();
  }
  // Somebody sets the wall clock, possibly backwards; steady time is not touched.
  void StepWall(std::chrono::milliseconds by) { wall_ms_ += by.count(); }

 private:
  std::atomic<int64_t> wall_ms_;
  std::atomic<int64_t> steady_ms_{3'600'000};
};

}  // namespace penstock::testing
