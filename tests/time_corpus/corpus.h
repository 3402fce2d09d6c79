// The bad cameras, and what must come of each.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/time_corpus/bad_camera.h"

namespace penstock::time_corpus {

// For every camera: one run; a fragment for each group of pictures, cut at its key frame; decode
// times ascend. What differs:
struct Expected {
  // Exactly these are counted.
  std::set<std::string> anomalies;
  // How many fragments say so at least; none may where nothing is counted but insane reports.
  size_t flagged_min = 0;
  // Groups of pictures that the network lost: as many fragments fewer, with longer pictures.
  size_t groups_lost = 0;
  // Producer times are the camera's at the end, not the server's.
  bool sane = true;
  // From when on the rest holds: what a camera needs until it can be known.
  Us settles = 0;
  // Sound against pictures: a unit of sound at the start, 10 ms until a fragment's boundary, and
  // half a group of drift.
  Us apart_max = 35 * kMs;
  Us producer_error_max = 25 * kMs;
  // How much longer than in truth a picture is.
  Us too_long_max = kMs;
  // How far the sum of all durations may be from true time.
  Us duration_error_max = 50 * kMs;
};

struct Entry {
  BadCamera camera;
  Expected expected;
};

std::vector<Entry> Corpus();

}  // namespace penstock::time_corpus
