#include "playback/mp4/track_spans.h"

#include <algorithm>
#include <optional>

#include "fragmenter/codec/g711.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::FrameTable;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;

std::optional<TrackSpan> SpanOf(const TrackConfig& track, const FrameTable& table) {
  const bool by_samples = IsG711(track.codec) && track.channels > 0;
  std::optional<TrackSpan> span;
  for (const Frame& frame : table.frames) {
    if (frame.track != track.number) continue;
    const int64_t begin = frame.dts + frame.cts_offset;
    const int64_t length = by_samples ? frame.size / track.channels : frame.duration;
    if (!span) span = TrackSpan{.track = track.number, .begin = begin, .end = begin};
    span->begin = std::min(span->begin, begin);
    span->end = std::max(span->end, begin + length);
    span->bytes += frame.size;
  }
  return span;
}

}  // namespace

std::vector<TrackSpan> SpansOf(const TrackSet& stored, const FrameTable& table) {
  std::vector<TrackSpan> spans;
  for (const TrackConfig& track : stored.tracks) {
    if (const auto span = SpanOf(track, table)) spans.push_back(*span);
  }
  return spans;
}

const TrackSpan* FindSpan(const std::vector<TrackSpan>& spans, uint32_t track) {
  const auto found = std::ranges::find(spans, track, &TrackSpan::track);
  return found == spans.end() ? nullptr : &*found;
}

const TrackSpan* FindPictures(const std::vector<TrackSpan>& spans, const TrackSet& tracks) {
  const auto found = std::ranges::find_if(spans, [&](const TrackSpan& span) {
    const TrackConfig* const track = tracks.Find(span.track);
    return track != nullptr && IsVideo(track->codec);
  });
  return found == spans.end() ? nullptr : &*found;
}

}  // namespace penstock::playback
