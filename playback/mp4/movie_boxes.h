// The boxes of a moov that every MP4 has, fragmented or not (ISO/IEC 14496-12 8.2 to 8.7).
#pragma once

#include <functional>

#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/mp4/box_writer.h"

namespace penstock::playback::mp4 {

// Units a second of the durations in mvhd, tkhd and edit lists.
inline constexpr uint32_t kMovieTimescale = 1000;

// kCorruption, with the reason, for tracks that MP4 cannot describe.
Status CheckPlayable(const fragmenter::TrackSet& tracks);

void WriteFtyp(BoxWriter& w);
// Duration 0: only fragments have one.
void WriteMvhd(BoxWriter& w, uint32_t next_track, uint32_t duration);

struct TrakParts {
  uint32_t movie_duration = 0;             // kMovieTimescale
  uint64_t media_duration = 0;             // ticks of the track's clock
  std::function<void(BoxWriter&)> edits;   // an edts, if there is to be one
  std::function<void(BoxWriter&)> tables;  // of an stbl, behind its stsd
};
// Requires a track that CheckPlayable lets pass.
void WriteTrak(BoxWriter& w, const fragmenter::TrackConfig& track, const TrakParts& parts);

}  // namespace penstock::playback::mp4
