#include "playback/images/sampling.h"

#include <algorithm>

#include "base/limits.h"

namespace penstock::playback {
namespace {

constexpr int64_t kReachUs = std::chrono::microseconds(kFragmentReach).count();
constexpr int64_t kPauseUs = std::chrono::microseconds(limits::kPauseNoHole).count();

bool IsSuccessor(const PlacedFragment& one, const PlacedFragment& other) {
  const store::ItemHeader& next = other.item.header;
  return next.ordinal == one.item.header.ordinal + 1 && next.run == one.item.header.run;
}

}  // namespace

int64_t StartOn(TimeAxis axis, const store::ItemHeader& item) {
  const auto time = axis == TimeAxis::kServer
                        ? std::chrono::microseconds(item.server_time.time_since_epoch())
                        : item.producer_time.time_since_epoch();
  return std::chrono::microseconds(std::chrono::floor<std::chrono::milliseconds>(time)).count();
}

const PlacedFragment* FragmentAt(const std::vector<PlacedFragment>& fragments, int64_t at_us) {
  const auto later = std::ranges::upper_bound(fragments, at_us, {}, &PlacedFragment::start_us);
  for (auto at = later; at != fragments.begin();) {
    --at;
    const int64_t ends_us = at->start_us + at->item.header.duration.count();
    if (at_us < ends_us) return &*at;
    if (at->start_us < at_us - kReachUs) break;
    if (std::next(at) == later && later != fragments.end() && IsSuccessor(*at, *later) &&
        later->start_us - ends_us <= kPauseUs) {
      return &*at;
    }
  }
  return nullptr;
}

}  // namespace penstock::playback
