// Arithmetic on media ticks.
#pragma once

#include <cstdint>

namespace penstock::fragmenter {

__extension__ typedef __int128 Wide;  // NOLINT: `using` would not take the attribute

// value * to / from, rounded to the nearest, without overflow where the result fits. Requires from
// > 0.
constexpr int64_t Rescale(int64_t value, int64_t from, int64_t to) {
  const Wide product = static_cast<Wide>(value) * to;
  const Wide half = product < 0 ? -(from / 2) : from / 2;
  return static_cast<int64_t>((product + half) / from);
}

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t TicksToUs(int64_t ticks, uint32_t clock_rate) {
  return Rescale(ticks, clock_rate, kMicrosPerSecond);
}
constexpr int64_t UsToTicks(int64_t us, uint32_t clock_rate) {
  return Rescale(us, kMicrosPerSecond, clock_rate);
}

}  // namespace penstock::fragmenter
