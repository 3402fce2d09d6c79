// How two tracks of a source arrive beside each other, over hours.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace penstock::fragmenter {

// The earliest arrival of a track's units against their media time, in windows of 10 s: what is
// left when the network's jitter is taken away.
class ArrivalTrend {
 public:
  // `arrived` by a clock that nobody sets.
  void Note(int64_t media_us, ServerTime arrived);

  struct Window {
    int64_t index = 0;        // of all windows; the same for tracks that note the same clock
    int64_t earliest_us = 0;  // min(arrived - media)
  };
  // The newest that has ended.
  const std::optional<Window>& ended() const { return ended_; }

 private:
  std::optional<Window> open_;
  std::optional<Window> ended_;
};

// Keeps a track where it was beside another one when both clocks drift: nobody says how the two
// belong together, but the network does not change its mind by the hour. What is followed is the
// change against the first window, by 2,000 ppm at most; as a whole if two windows in a row say
// that it is off by more than 200 ms.
class ArrivalFollower {
 public:
  // The correction to make to `offset_us`, this track's place beside the other. Once per window.
  int64_t Take(const ArrivalTrend& own, const ArrivalTrend& other, int64_t offset_us);
  // The place is now known otherwise.
  void Restart() { *this = ArrivalFollower(); }

 private:
  std::optional<int64_t> last_window_;
  std::optional<int64_t> constant_us_;  // offset - difference of arrivals, at the first window
  std::optional<int64_t> far_us_;       // the error of the last window, if it was large
};

}  // namespace penstock::fragmenter
