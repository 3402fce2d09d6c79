// Sound of telephones for players: browsers know no G.711, so it is served as AAC. What is stored
// stays what the camera sent.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/mp4/media_segment.h"

namespace penstock::playback {

// The tracks as players get them: G.711 as AAC with the same number and clock; without it where
// there is no AAC of its rate. Pictures with lengths, whatever is stored. Everything else as it is.
fragmenter::TrackSet ServedTracks(const fragmenter::TrackSet& stored);

// A stored fragment: its frame table and its cluster.
struct StoredMedia {
  fragmenter::FrameTable table;
  ByteChain cluster;
};

// Samples since the run's start: [begin, end).
struct SampleSpan {
  int64_t begin = 0;
  int64_t end = 0;
};

// Of a G.711 track whose fragment has the samples `now`, and the one before it in the run `past`:
// those that its segment serves as AAC. Nothing if no unit is whole yet.
std::optional<SampleSpan> UnitsReadyWith(const fragmenter::TrackConfig& track,
                                         const std::optional<SampleSpan>& past,
                                         const SampleSpan& now);

// What takes the place of the fragment's G.711 in its segment; nothing for tracks that have none.
// The units lie on one grid of 1,024 samples from the run's start on, whatever the fragments: a
// unit belongs to the segment of the fragment with which all that it needs has come, so each is in
// one segment only and no decoder hears where one ends. `before` is the fragment before it if that
// is of the same run, for what sounds over from it. Takes up to a millisecond
// for each second of sound. kCorruption: the table and the cluster do not fit.
Result<std::vector<MadeTrack>> TranscodeG711(const fragmenter::TrackSet& stored,
                                             const std::optional<StoredMedia>& before,
                                             const StoredMedia& fragment);

// Whether there is anything to transcode.
bool HasG711(const fragmenter::TrackSet& stored);

}  // namespace penstock::playback
