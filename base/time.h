// The four clocks. Each is a type of its own, so that mixing them does not compile (docs/design:
// time).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock {

struct ServerClockTag {
  using rep = int64_t;
  using period = std::milli;
  using duration = std::chrono::milliseconds;
};
struct ProducerClockTag {
  using rep = int64_t;
  using period = std::micro;
  using duration = std::chrono::microseconds;
};

// Wall time of this machine, UTC milliseconds since 1970: when the first byte of a thing was
// received.
using ServerTime = std::chrono::time_point<ServerClockTag, std::chrono::milliseconds>;
// What the camera or producer claims, UTC microseconds since 1970. Only set when it was sane.
using ProducerTime = std::chrono::time_point<ProducerClockTag, std::chrono::microseconds>;
// Intervals, deadlines. Never stored.
using SteadyTime = std::chrono::steady_clock::time_point;

inline ServerTime ServerTimeFromMs(int64_t ms) { return ServerTime(std::chrono::milliseconds(ms)); }
inline int64_t ToMs(ServerTime t) { return t.time_since_epoch().count(); }
inline ProducerTime ProducerTimeFromUs(int64_t us) {
  return ProducerTime(std::chrono::microseconds(us));
}
inline int64_t ToUs(ProducerTime t) { return t.time_since_epoch().count(); }

// "Now" is passed in, so that tests own it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual ServerTime Now() const = 0;
  virtual SteadyTime SteadyNow() const = 0;
};

// The machine's clocks; lives for the whole program.
Clock& SystemClock();

// A clock that stands still until it is told to move. Not thread-safe.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(ServerTime start) : now_(start) {}
  ServerTime Now() const override { return now_; }
  SteadyTime SteadyNow() const override { return steady_; }
  // Both clocks move.
  void Advance(std::chrono::milliseconds by) {
    now_ += by;
    steady_ += by;
  }
  // Somebody sets the wall clock; steady time is not touched.
  void SetWall(ServerTime t) { now_ = t; }

 private:
  ServerTime now_;
  SteadyTime steady_{std::chrono::hours(1)};
};

// "2026-01-15T12:00:00.123Z" (RFC 3339, UTC, always three decimals).
std::string FormatRfc3339(ServerTime t);
std::string FormatRfc3339(ProducerTime t);

// RFC 3339 with any offset and up to nine decimals (truncated to ms), or epoch milliseconds as
// decimal digits.
Result<ServerTime> ParseTime(std::string_view text);

}  // namespace penstock
