// Ranges of time by clients' clocks, which know milliseconds: a producer time of 5.0004 s was told
// them as 5.000, and that has to find it again. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include "store/shard.h"

namespace penstock::store {

// For the ends of ranges: later than any time.
inline constexpr int64_t kNoEndUs = std::numeric_limits<int64_t>::max();

// What began within a range of milliseconds, both included, whatever a fragment's microseconds or
// the range's own are. Microseconds since 1970.
inline TimeRange ServerMilliseconds(int64_t from_us, int64_t to_us) {
  using std::chrono::floor;
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  return ServerTimeRange{ServerTime(floor<milliseconds>(microseconds(from_us))),
                         ServerTime(floor<milliseconds>(microseconds(to_us)))};
}
inline TimeRange ProducerMilliseconds(int64_t from_us, int64_t to_us) {
  using std::chrono::floor;
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  const microseconds to = to_us == kNoEndUs
                              ? microseconds(kNoEndUs)
                              : floor<milliseconds>(microseconds(to_us)) + microseconds(999);
  return ProducerTimeRange{ProducerTime(floor<milliseconds>(microseconds(from_us))),
                           ProducerTime(to)};
}

}  // namespace penstock::store
