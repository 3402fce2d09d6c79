// Fragments with their places on the time line, and names for what a manifest lists, for tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "playback/dash/manifest.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {

inline constexpr int64_t kDashNoonMs = 1'768'478'400'000;  // 2026-01-15T12:00:00Z

inline std::shared_ptr<const fragmenter::TrackSet> PictureAndSound() {
  return std::make_shared<const fragmenter::TrackSet>(
      fragmenter::TrackSet{{AvcTrack(1), AacTrack(2)}});
}

// Pictures of [begin_ms, end_ms) of the run, with as much sound; received when they began, the run
// having begun at noon.
inline TimedFragment FragmentOf(uint64_t ordinal, int64_t begin_ms, int64_t end_ms,
                                store::RunId run = 1, store::TrackSetId set = 1) {
  TimedFragment fragment;
  fragment.header.ordinal = ordinal;
  fragment.header.number.index = ordinal + 1;
  fragment.header.run = run;
  fragment.header.track_set = set;
  fragment.header.server_time = ServerTimeFromMs(kDashNoonMs + begin_ms);
  fragment.header.producer_time = ProducerTimeFromUs((kDashNoonMs + begin_ms + 7) * 1000);
  fragment.header.duration = std::chrono::milliseconds(end_ms - begin_ms);
  fragment.tracks = PictureAndSound();
  fragment.spans = {
      {.track = 1, .begin = begin_ms * 90, .end = end_ms * 90, .bytes = 250'000},
      {.track = 2, .begin = begin_ms * 48, .end = end_ms * 48, .bytes = 16'000},
  };
  return fragment;
}

class ShortNames final : public DashNames {
 public:
  std::string Init(store::TrackSetId id, uint32_t track) const override {
    return fmt::format("i{}&t{}", id, track);
  }
  std::string Segments(uint64_t first, uint32_t track) const override {
    return fmt::format("f{}&t{}&n$Number$", first, track);
  }
  std::string Again(const Place& place, bool told) const override {
    return "again?" + FormatPlace(place) + (told ? "&told" : "");
  }
};

}  // namespace penstock::playback
