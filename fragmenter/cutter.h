// Where a fragment ends.
#pragma once

#include <chrono>
#include <cstdint>

#include "fragmenter/fragmenter.h"

namespace penstock::fragmenter {

// What is known of the fragment being filled.
struct OpenFragment {
  int64_t start_us = 0;  // of its first unit, run-relative
  size_t bytes = 0;
  bool has_video = false;  // its track set has a video track
};

// The unit that is to be added.
struct NextUnit {
  int64_t time_us = 0;  // run-relative
  size_t bytes = 0;
  bool video = false;
  bool key = false;
};

// Whether the fragment ends before this unit. Pure.
bool EndsBefore(const CutPolicy& policy, const OpenFragment& open, const NextUnit& next);

}  // namespace penstock::fragmenter
