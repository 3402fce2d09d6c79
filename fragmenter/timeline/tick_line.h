// A track's time stamps without their jumps.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace penstock::fragmenter {

// Lays a track's time stamps on a line that never leaps: a camera that sets its RTP clock goes on
// where it was, as much later as the server saw pass. A pause in which the server waited as well is
// a pause and stays. One per track.
class TickLine {
 public:
  explicit TickLine(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  struct Place {
    int64_t ticks = 0;
    // The raw time stamp leapt by this much here; 0 otherwise.
    int64_t leap = 0;
  };
  Place Put(int64_t raw, ServerTime received);

  // Where a raw time stamp near the newest lies.
  int64_t Of(int64_t raw) const { return raw + shift_; }

 private:
  uint32_t clock_rate_;
  bool started_ = false;
  int64_t shift_ = 0;
  int64_t newest_ = 0;
  int64_t step_ = 1;  // the last ordinary distance between two time stamps
  ServerTime received_;
};

}  // namespace penstock::fragmenter
