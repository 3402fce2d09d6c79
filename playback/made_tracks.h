// What is served in another form than it is stored in: G.711, which players do not know, and
// pictures that came as byte streams (Annex B), which MP4 does not.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/audio/g711_as_aac.h"
#include "playback/mp4/media_segment.h"

namespace penstock::playback {

bool HasByteStreams(const fragmenter::TrackSet& stored);

// Nothing has to be made: MakeTracks gives nothing.
bool IsServedAsStored(const fragmenter::TrackSet& stored);

// What takes the place of the fragment's byte streams: the same NAL units in the same frames, with
// 4-byte lengths in place of start codes. Shares the cluster's memory but for the lengths and small
// units. kCorruption: the table and the cluster do not fit, or a frame is no byte stream.
Result<std::vector<MadeTrack>> PrefixByteStreams(const fragmenter::TrackSet& stored,
                                                 const StoredMedia& fragment);

// That, and TranscodeG711, which `before` is for.
Result<std::vector<MadeTrack>> MakeTracks(const fragmenter::TrackSet& stored,
                                          const std::optional<StoredMedia>& before,
                                          const StoredMedia& fragment);

}  // namespace penstock::playback
