// Where fragments lie on the time line of a manifest. Pure.
//
// Players keep what they play through a reload only if a Period keeps its id, its start and what
// its numbers count from. The server keeps nothing of a viewer, so what has been decided travels: a
// manifest that will be loaded again tells players another address for that (its Location), which
// carries a Place.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "playback/dash/place.h"
#include "playback/dash/track_times.h"

namespace penstock::playback {

// Microseconds. A wider break within a run begins a Period; one less wide is given to the segment
// before it, and players step over it.
inline constexpr int64_t kBreakUs = 500'000;
// What comes later than what was before it ends, by the server's clock, and by no more than this,
// is joined to it: as much as a network jitters.
inline constexpr int64_t kJoinUs = 1'000'000;

// Fragments whose tracks go on without a break. Its segments' numbers count from `place.first`.
struct Period {
  Place place;  // from: the first one of `fragments`
  std::span<const TimedFragment> fragments;
};

struct Timeline {
  std::optional<Place> known;  // the Period of the first fragment; `from` is its ordinal
  int64_t start_us = 0;        // without it: when the first fragment begins
  // What was received later than the media before it ended begins when it was received, since
  // players count on the clock; else where that ended. The time line's zero is 1970 then.
  bool by_clock = false;
};

// The track that decides where Periods begin and end: the first video, or the first.
uint32_t LeadTrack(const TimedFragment& fragment);
// Of the run, microseconds.
int64_t BeginUs(const TimedFragment& fragment);
int64_t EndUs(const TimedFragment& fragment);
// On the manifest's time line.
int64_t EndUs(const Period& period);

// One after the other by their ordinals; refer to the fragments.
std::vector<Period> MakePeriods(std::span<const TimedFragment> fragments, const Timeline& timeline);

// Leaves out what is before this ordinal. Requires that something remains.
void DropBefore(uint64_t ordinal, std::vector<Period>& periods);

// When the first of these (newest ones) begins, so that each has been received when its time has
// come, microseconds since 1970: by the one of its Period that was the quickest.
int64_t LiveStartUs(std::span<const TimedFragment> fragments);

// Where a Period begins that follows what ends then and was received then.
int64_t NextStartUs(int64_t end_us, int64_t received_us);

}  // namespace penstock::playback
