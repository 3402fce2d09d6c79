// A fragment as if it had one track alone, as DASH wants its segments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "fragmenter/media.h"

namespace penstock::playback {

struct MadeTrack;

inline constexpr uint32_t kAllTracks = 0;  // tracks count from 1

// Leaves this track of the set. kNotFound: there is none. Nothing to do for kAllTracks.
Status KeepTrack(uint32_t number, fragmenter::TrackSet& tracks);

// Leaves its frames of the table; `made`, if anything, is what takes their place. Where there is
// nothing of it silence is made, or it is kNotFound. `stored`: the whole set.
Status KeepFrames(uint32_t number, const fragmenter::TrackSet& stored,
                  fragmenter::FrameTable& table, std::vector<MadeTrack>& made);

// What tells names of one track from those of another; nothing for kAllTracks.
std::string TrackTag(uint32_t number);

}  // namespace penstock::playback
