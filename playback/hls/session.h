// A playback session: what is to be played is chosen once, in an operation of Amazon's API, and
// every later request carries it along. Nothing of it is kept by the server.
#pragma once

#include <cstdint>
#include <limits>

#include "base/time.h"
#include "fragmenter/media.h"

namespace penstock::playback {

struct Session {
  enum class Mode : uint8_t {
    kLive,      // the newest fragments
    kReplay,    // as if what was recorded from a time on were live now
    kOnDemand,  // a range, whole
  };
  static constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();

  Mode mode = Mode::kLive;
  bool by_producer = false;  // which of the two times the range means, and dates show
  // Of fragments' beginnings, microseconds since 1970, both ends included. Not of kLive.
  int64_t from_us = 0;
  int64_t to_us = kNoEnd;
  bool all_discontinuities = false;
  bool dates = false;
  bool transport = false;  // segments are MPEG-TS
  uint16_t entries_max = 5;
  ServerTime begun;  // kReplay: when its first fragment was live
};

// What a master playlist says of it.
struct SessionVariant {
  fragmenter::TrackSet tracks;   // as they are served
  uint64_t bits_per_second = 0;  // of the fragment that has most
};

}  // namespace penstock::playback
