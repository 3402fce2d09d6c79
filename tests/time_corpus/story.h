// What a recording of a camera came out as, measured against true time.
#pragma once

#include <map>
#include <set>
#include <string>

#include "fragmenter/fragmenter.h"
#include "tests/time_corpus/bad_camera.h"

namespace penstock::time_corpus {

struct Story {
  size_t fragments = 0;
  size_t runs = 0;
  size_t without_key_frame = 0;
  size_t flagged = 0;  // clock_jump
  bool sane_at_end = false;
  Us lead_duration = 0;  // the sum over all fragments
  Us longest_fragment = 0;
  Us longest_too_long = 0;    // how much longer than in truth a picture is shown, at most
  Us apart_max = 0;           // sound against pictures, from `settles` on
  Us apart_early_max = 0;     // and before
  Us producer_error_max = 0;  // of a fragment's producer time against true time, from `settles` on
  std::set<std::string> anomalies;
  fragmenter::ClockAnomalyCounts counts{};
};

// Records the camera with a fragmenter as ingest's recorder drives it. A/V offsets and producer
// times are judged from `settles` on.
Story Record(const BadCamera& camera, Us settles);

}  // namespace penstock::time_corpus
