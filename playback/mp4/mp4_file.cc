#include "playback/mp4/mp4_file.h"

#include "playback/made_tracks.h"
#include "playback/mp4/init_segment.h"
#include "playback/mp4/media_segment.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::TrackSet;

void Shift(const TrackSet& tracks, int64_t shift_ms, std::vector<Frame>& frames) {
  for (Frame& frame : frames) {
    const fragmenter::TrackConfig* const track = tracks.Find(frame.track);
    if (track != nullptr) frame.dts += shift_ms * int64_t{track->clock_rate} / 1000;
  }
}

}  // namespace

Result<Bytes> MakeMp4Header(const TrackSet& stored) {
  return MakeInitSegment(ServedTracks(stored));
}

Result<ByteChain> MakeMp4Fragment(const TrackSet& stored, const std::optional<StoredMedia>& before,
                                  const StoredMedia& fragment, int64_t shift_ms,
                                  uint64_t sequence) {
  PS_TRY(std::vector<MadeTrack> made, MakeTracks(stored, before, fragment));
  const TrackSet served = ServedTracks(stored);
  for (MadeTrack& track : made) Shift(served, shift_ms, track.frames);
  fragmenter::FrameTable table = fragment.table;
  Shift(served, shift_ms, table.frames);
  PS_TRY(const MediaSegment segment, MakeMediaSegment(served, table, fragment.cluster.size(),
                                                      sequence, Layout::kContiguous, made));
  return AssembleSegment(segment, fragment.cluster);
}

}  // namespace penstock::playback
