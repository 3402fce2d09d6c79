#include "playback/audio/one_track.h"

#include <algorithm>

#include <fmt/format.h>

#include "playback/audio/g711_as_aac.h"
#include "playback/audio/silence.h"
#include "playback/mp4/media_segment.h"
#include "playback/mp4/track_spans.h"

namespace penstock::playback {

using fragmenter::FrameTable;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;

std::string TrackTag(uint32_t track) {
  return track == kAllTracks ? std::string() : fmt::format("-t{}", track);
}

Status KeepTrack(uint32_t number, TrackSet& tracks) {
  if (number == kAllTracks) return Status();
  std::erase_if(tracks.tracks, [&](const auto& track) { return track.number != number; });
  if (!tracks.tracks.empty()) return Status();
  return Error(ErrorCode::kNotFound, fmt::format("there is no track {}", number));
}

Status KeepFrames(uint32_t number, const TrackSet& all, FrameTable& table,
                  std::vector<MadeTrack>& made) {
  if (number == kAllTracks) return Status();
  const std::vector<TrackSpan> spans = SpansOf(all, table);
  std::erase_if(table.frames, [&](const auto& frame) { return frame.track != number; });
  const bool there = made.empty() ? !table.frames.empty() : !made.front().frames.empty();
  if (there) return Status();
  const TrackSet served = ServedTracks(all);
  const TrackConfig* const track = served.Find(number);
  const auto span = track != nullptr ? SilentSpan(*track, all, spans) : std::nullopt;
  if (!span)
    return Error(ErrorCode::kNotFound,
                 fmt::format("this fragment has nothing of track {}", number));
  PS_TRY(MadeTrack silence, MakeSilence(*track, *span));
  made.assign(1, std::move(silence));
  return Status();
}

}  // namespace penstock::playback
