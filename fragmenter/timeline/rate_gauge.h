// Whether a track's ticks run as fast as its clock rate says.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.h"

namespace penstock::fragmenter {

// A camera may say 90 kHz and count in pictures of a rate that it does not have. That its ticks lie
// is only certain when four clocks tell the same story over four stretches of 5 s or more: the
// producer's (its sender reports) and the server's agree with each other, and the reports' time
// stamps with the media's. A file that is pushed in haste, or slowly, tells another one and is left
// alone.
class RateGauge {
 public:
  explicit RateGauge(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // At a sender report.
  struct Reading {
    int64_t stamp = 0;         // the report's, raw ticks
    int64_t newest_stamp = 0;  // of the media, raw ticks
    ProducerTime producer;
    ServerTime arrived;  // by a clock that nobody sets
  };
  // `raw` ticks of the stamps last as long as `ticks` of the clock rate.
  struct Rate {
    int64_t ticks = 1;
    int64_t raw = 1;
  };
  // A rate that is to be used from now on; nothing if the one in use holds.
  std::optional<Rate> Take(const Reading& reading);

  // The stamps leapt.
  void Restart();

 private:
  std::optional<Rate> Measure(const Reading& reading) const;

  static constexpr size_t kStretches = 4;

  uint32_t clock_rate_;
  Rate used_;
  std::optional<Reading> last_;
  std::deque<Rate> stretches_;  // the newest that could be measured, without a hole; <= kStretches
};

}  // namespace penstock::fragmenter
