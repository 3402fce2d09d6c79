// The text of a DASH manifest (ISO/IEC 23009-1). Pure.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/time.h"
#include "playback/dash/periods.h"

namespace penstock::playback {

// How a manifest names what it lists: relative to itself, not yet escaped. Immutable.
class DashNames {
 public:
  virtual ~DashNames() = default;
  virtual std::string Init(store::TrackSetId id, uint32_t track) const = 0;
  // Of the segments of a Period: $Number$ is 1 for its first fragment, and counts on by ordinals.
  virtual std::string Segments(uint64_t first, uint32_t track) const = 0;
  // Where to load the manifest again. `told`: this one tells all that will ever be in it, and that.
  virtual std::string Again(const Place& place, bool told) const = 0;
};

struct ManifestShape {
  bool dynamic = false;   // to be loaded again
  bool by_clock = false;  // the time line's zero is 1970; else it is where the first Period begins
  ServerTime now;         // dynamic
  std::optional<int64_t> end_us;  // dynamic: of the time line, if it is known by now
  bool told = false;              // dynamic, with end_us: the Periods are all there will be
  size_t entries_max = 0;
  int64_t longest_us = 0;    // of its fragments
  bool by_producer = false;  // whose time is told
  bool times = false;        // kvs:ts of each segment: when its fragment began
  bool numbers = false;      // kvs:fn: its fragment's number
  const DashNames* names = nullptr;
};

// One AdaptationSet a track, the lead first. Requires periods.
std::string RenderManifest(std::span<const Period> periods, const ManifestShape& shape);

}  // namespace penstock::playback
