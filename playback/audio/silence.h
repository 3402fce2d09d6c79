// Sound where there is none. A player that is told of a track waits for it, so that a fragment
// without sound would stop the pictures of a run that has some.
#pragma once

#include <optional>

#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/mp4/media_segment.h"
#include "playback/mp4/track_spans.h"

namespace penstock::playback {

// What a sound track, as it is served, gets in a fragment that has nothing of it: as long as the
// pictures of it, on a grid of units, so that one such fragment goes on where another ends. nullopt
// where silence cannot be made: other codecs than AAC-LC, or no pictures.
std::optional<TrackSpan> SilentSpan(const fragmenter::TrackConfig& track,
                                    const fragmenter::TrackSet& tracks,
                                    const std::vector<TrackSpan>& spans);

// Requires a span that SilentSpan gave for the track.
Result<MadeTrack> MakeSilence(const fragmenter::TrackConfig& track, const TrackSpan& span);

}  // namespace penstock::playback
