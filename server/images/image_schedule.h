// When a stream's images are due. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "playback/images/sampling.h"

namespace penstock::server::images {

// Points lie at whole multiples of the interval since 1970, so that nothing has to be remembered
// over a restart. Each is due once, with the fragment that was on then; one in a pause of a run,
// which is jitter, with the fragment behind it.
class ImageSchedule {
 public:
  ImageSchedule(playback::TimeAxis axis, int64_t interval_us)
      : axis_(axis), interval_us_(interval_us) {}

  // Those that are due with the next fragment, microseconds, ascending; at most kPointsMax.
  // Fragments come in their order.
  std::vector<int64_t> Next(const store::ItemHeader& fragment);

  // 33 s in steps of 0.2 s.
  static constexpr size_t kPointsMax = 165;

 private:
  int64_t BeginOf(const store::ItemHeader& fragment, int64_t start_us) const;

  playback::TimeAxis axis_;
  int64_t interval_us_;
  int64_t last_us_ = 0;  // the newest point that was due
  uint64_t next_ordinal_ = 0;
  store::RunId run_ = 0;
  int64_t end_us_ = 0;  // of the fragment before
};

}  // namespace penstock::server::images
