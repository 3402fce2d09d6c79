// Which picture of a fragment was shown at a time, and what has to be decoded for it. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "fragmenter/media.h"

namespace penstock::playback {

// The pictures of one track in a fragment. Lives no longer than its frame table.
class FrameChoice {
 public:
  FrameChoice(const fragmenter::TrackConfig& track, const fragmenter::FrameTable& table);

  // In order of decoding; indices into the frame table.
  const std::vector<size_t>& order() const { return order_; }

  // The place in `order` of the last picture that is shown at or before this long after the
  // fragment's first one; the first of all that are shown if that is later. nullopt: there is none.
  std::optional<size_t> At(std::chrono::microseconds after) const;

  // The place of the key frame from which on everything has to be decoded for this one; nullopt if
  // it lies before the fragment.
  std::optional<size_t> KeyOf(size_t place) const;

  // Whether one picture is shown before another.
  bool IsShownBefore(size_t place, size_t other) const { return Shown(place) < Shown(other); }

 private:
  int64_t Shown(size_t place) const;  // ticks

  const fragmenter::FrameTable& table_;
  uint32_t clock_rate_ = 0;
  std::vector<size_t> order_;
};

// The track whose pictures are meant; nullptr if there is only sound.
const fragmenter::TrackConfig* FirstVideo(const fragmenter::TrackSet& tracks);

}  // namespace penstock::playback
