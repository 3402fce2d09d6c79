#include "playback/made_tracks.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "fragmenter/codec/byte_stream.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;

Error Misfit(const Frame& frame, std::string_view what) {
  return Error(ErrorCode::kCorruption,
               fmt::format("frame of track {} at {}: {}", frame.track, frame.offset, what));
}

Result<MadeTrack> Prefix(const TrackConfig& track, const fragmenter::FrameTable& table,
                         const ChainView& cluster) {
  MadeTrack made;
  made.track = track.number;
  fragmenter::LengthPrefixer out(cluster);
  for (Frame frame : table.frames) {
    if (frame.track != track.number) continue;
    if (uint64_t{frame.offset} + frame.size > cluster.size())
      return Misfit(frame, "ends after the cluster");
    const auto offset = static_cast<uint32_t>(out.size());
    if (frame.size > 0) {
      const Result<uint32_t> size = out.Add(frame.offset, frame.size);
      if (!size.ok()) return Misfit(frame, size.error().message());
      frame.size = *size;
    }
    frame.offset = offset;
    made.frames.push_back(frame);
  }
  made.bytes = std::move(out).Take();
  return made;
}

}  // namespace

bool HasByteStreams(const TrackSet& stored) {
  return std::ranges::any_of(stored.tracks, &TrackConfig::byte_stream);
}

bool IsServedAsStored(const TrackSet& stored) {
  return !HasByteStreams(stored) && !HasG711(stored);
}

Result<std::vector<MadeTrack>> PrefixByteStreams(const TrackSet& stored,
                                                 const StoredMedia& fragment) {
  std::vector<MadeTrack> out;
  const ChainView cluster(fragment.cluster);
  for (const TrackConfig& track : stored.tracks) {
    if (!track.byte_stream) continue;
    PS_TRY(MadeTrack made, Prefix(track, fragment.table, cluster));
    out.push_back(std::move(made));
  }
  return out;
}

Result<std::vector<MadeTrack>> MakeTracks(const TrackSet& stored,
                                          const std::optional<StoredMedia>& before,
                                          const StoredMedia& fragment) {
  PS_TRY(std::vector<MadeTrack> out, PrefixByteStreams(stored, fragment));
  PS_TRY(std::vector<MadeTrack> sound, TranscodeG711(stored, before, fragment));
  std::ranges::move(sound, std::back_inserter(out));
  return out;
}

}  // namespace penstock::playback
