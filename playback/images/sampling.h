// Points in time at which images are wanted, and the fragments that were on then. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "store/shard.h"

namespace penstock::playback {

// A fragment and where its pictures lie on the clock in question: microseconds since 1970, cut to
// whole milliseconds, since that is how clients were told its begin.
struct PlacedFragment {
  store::ItemRef item;
  int64_t start_us = 0;
};

enum class TimeAxis : uint8_t { kServer, kProducer };
int64_t StartOn(TimeAxis axis, const store::ItemHeader& item);

// How long before a point the fragment may have begun in which it lies: a block's time reaches
// 32.7 s from its cluster's.
inline constexpr std::chrono::seconds kFragmentReach{33};

// The fragment that was on at `at_us`: the one that began last of all that began by then and had
// not ended. It also stays on in the pause before its successor in the same run, which is jitter.
// nullptr: there was none. `fragments` ascend by start_us and are all that began between
// kFragmentReach before the point and limits::kPauseNoHole behind it.
const PlacedFragment* FragmentAt(const std::vector<PlacedFragment>& fragments, int64_t at_us);

}  // namespace penstock::playback
