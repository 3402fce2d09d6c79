// What the tracks of a fragment take of the time line, each in its own ticks.
#pragma once

#include <cstdint>
#include <vector>

#include "fragmenter/media.h"

namespace penstock::playback {

// The media of one track in one fragment: when it is shown, in ticks of the track's clock since the
// run's origin. begin <= end.
struct TrackSpan {
  uint32_t track = 0;
  int64_t begin = 0;
  int64_t end = 0;
  uint64_t bytes = 0;
  friend bool operator==(const TrackSpan&, const TrackSpan&) = default;
};

// Of those tracks that have media in it, in the order of the set; G.711 by its samples.
std::vector<TrackSpan> SpansOf(const fragmenter::TrackSet& stored,
                               const fragmenter::FrameTable& table);
// nullptr if there is none.
const TrackSpan* FindSpan(const std::vector<TrackSpan>& spans, uint32_t track);
// The first picture track's; nullptr if there is none.
const TrackSpan* FindPictures(const std::vector<TrackSpan>& spans,
                              const fragmenter::TrackSet& tracks);

}  // namespace penstock::playback
