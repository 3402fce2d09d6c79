#include "playback/images/frame_choice.h"

#include <algorithm>

#include "base/check.h"
#include "fragmenter/timeline/ticks.h"

namespace penstock::playback {

FrameChoice::FrameChoice(const fragmenter::TrackConfig& track, const fragmenter::FrameTable& table)
    : table_(table), clock_rate_(track.clock_rate) {
  if (clock_rate_ == 0) return;
  for (size_t i = 0; i < table.frames.size(); ++i) {
    if (table.frames[i].track == track.number) order_.push_back(i);
  }
}

int64_t FrameChoice::Shown(size_t place) const {
  const fragmenter::Frame& frame = table_.frames[order_[place]];
  return frame.dts + frame.cts_offset;
}

std::optional<size_t> FrameChoice::At(std::chrono::microseconds after) const {
  if (order_.empty()) return std::nullopt;
  // Times were told in whole milliseconds, and cut: a picture that begins within the millisecond
  // that is asked for is meant.
  const int64_t until_ms = std::chrono::floor<std::chrono::milliseconds>(after).count();
  std::optional<size_t> best;
  size_t first = 0;
  for (size_t place = 0; place < order_.size(); ++place) {
    if (Shown(place) < Shown(first)) first = place;
    const int64_t us = fragmenter::TicksToUs(Shown(place) - Shown(0), clock_rate_);
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds(us));
    if (ms.count() > until_ms) continue;
    if (!best || Shown(place) >= Shown(*best)) best = place;
  }
  return best.value_or(first);
}

std::optional<size_t> FrameChoice::KeyOf(size_t place) const {
  CHECK(place < order_.size());
  for (size_t at = place + 1; at-- > 0;) {
    // Pictures that are decoded after a key frame and shown before it need what was before it.
    if (table_.frames[order_[at]].key && Shown(at) <= Shown(place)) return at;
  }
  return std::nullopt;
}

const fragmenter::TrackConfig* FirstVideo(const fragmenter::TrackSet& tracks) {
  const auto found = std::ranges::find_if(
      tracks.tracks, [](const fragmenter::TrackConfig& track) { return IsVideo(track.codec); });
  return found == tracks.tracks.end() ? nullptr : &*found;
}

}  // namespace penstock::playback
