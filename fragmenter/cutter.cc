#include "fragmenter/cutter.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace penstock::fragmenter {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Key frames do not come to the millisecond: a camera that sends one a second means a second.
constexpr milliseconds kEarly{50};
// Video that has stopped keeps the audio beside it waiting for no longer than this after the
// maximum.
constexpr milliseconds kVideoWait{2000};

}  // namespace

Status CheckPolicy(const CutPolicy& policy) {
  const auto invalid = [](std::string words) {
    return Error(ErrorCode::kInvalidArgument, std::move(words));
  };
  if (policy.duration_max < limits::kFragmentDurationLeast ||
      policy.duration_max > limits::kFragmentDurationMost) {
    return invalid(fmt::format("a fragment's longest duration is {} ms, not {} to {}",
                               policy.duration_max.count(), limits::kFragmentDurationLeast.count(),
                               limits::kFragmentDurationMost.count()));
  }
  if (policy.duration_min < milliseconds(0) || policy.duration_min > policy.duration_max) {
    return invalid(fmt::format("a fragment's shortest duration is {} ms, not 0 to its longest, {}",
                               policy.duration_min.count(), policy.duration_max.count()));
  }
  if (policy.bytes_max == 0 || policy.bytes_max > limits::kFragmentBytesMax) {
    return invalid(fmt::format("a fragment's largest size is {} bytes, not 1 to {}",
                               policy.bytes_max, limits::kFragmentBytesMax));
  }
  if (policy.bytes_min > policy.bytes_max) {
    return invalid(fmt::format("a fragment's smallest size is {} bytes, more than its largest, {}",
                               policy.bytes_min, policy.bytes_max));
  }
  return Status();
}

bool EndsBefore(const CutPolicy& policy, const OpenFragment& open, const NextUnit& next) {
  if (open.bytes + next.bytes > policy.bytes_max) return true;
  const microseconds length(next.time_us - open.start_us);
  if (open.has_video && !next.video) return length >= policy.duration_max + kVideoWait;
  const bool may_start = next.key || !open.has_video;
  const bool enough = length + kEarly >= policy.duration_min && open.bytes >= policy.bytes_min;
  if (may_start && enough) return true;
  return length >= policy.duration_max;
}

}  // namespace penstock::fragmenter
