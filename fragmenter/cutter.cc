#include "fragmenter/cutter.h"

#include <algorithm>

#include "base/limits.h"

namespace penstock::fragmenter {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A block's time reaches 32.7 s from its cluster's; room is left for reordered pictures and for the
// audio that belongs before the cut.
constexpr milliseconds kDurationMax{25'000};
// Key frames do not come to the millisecond: a camera that sends one a second means a second.
constexpr milliseconds kEarly{50};
// Video that has stopped keeps the audio beside it waiting for no longer than this after the
// maximum.
constexpr milliseconds kVideoWait{2000};

}  // namespace

CutPolicy Bounded(CutPolicy policy) {
  policy.duration_max = std::clamp(policy.duration_max, milliseconds(100), kDurationMax);
  policy.duration_min = std::clamp(policy.duration_min, milliseconds(0), policy.duration_max);
  policy.bytes_max = std::min(policy.bytes_max, limits::kFragmentBytesMax);
  return policy;
}

bool EndsBefore(const CutPolicy& policy, const OpenFragment& open, const NextUnit& next) {
  if (open.bytes + next.bytes > policy.bytes_max) return true;
  const microseconds length(next.time_us - open.start_us);
  if (open.has_video && !next.video) return length >= policy.duration_max + kVideoWait;
  const bool may_start = next.key || !open.has_video;
  if (may_start && length + kEarly >= policy.duration_min) return true;
  return length >= policy.duration_max;
}

}  // namespace penstock::fragmenter
