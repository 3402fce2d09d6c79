#include "fragmenter/run.h"

#include <algorithm>
#include <cstdlib>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

constexpr int64_t kAudioOffUs = 10'000;

}  // namespace

Run::Run(std::shared_ptr<const TrackSet> tracks, const TrackFeed& lead, const TimedUnit& first)
    : tracks_(std::move(tracks)),
      lead_(lead.number()),
      origin_ticks_(*first.unit.dts),
      origin_us_(first.time_us) {
  has_video_ = std::ranges::any_of(tracks_->tracks,
                                   [](const TrackConfig& track) { return IsVideo(track.codec); });
}

bool Run::Has(const TimedUnit& unit) const {
  const TrackConfig* const track = tracks_->Find(unit.unit.track);
  return track != nullptr && *track == *unit.config;
}

std::optional<Run::Place> Run::Put(const TimedUnit& unit, const TrackFeed& feed,
                                   const TrackFeed& lead, bool opens) {
  const int64_t cts_offset = unit.unit.pts - *unit.unit.dts;
  // By what is known of the clocks now: sender reports may have come since the start.
  const int64_t relative_us = feed.CommonUs(*unit.unit.dts) - lead.CommonUs(origin_ticks_);
  if (!feed.video()) {
    const std::optional<int64_t> dts = PutAudio(unit, feed, relative_us, opens);
    return dts ? std::optional(Place{*dts, cts_offset}) : std::nullopt;
  }
  const int64_t dts = feed.number() == lead_ ? LeadTicks(*unit.unit.dts)
                                             : UsToTicks(relative_us, feed.clock_rate());
  if (dts < 0) return std::nullopt;
  return Place{dts, cts_offset};
}

std::optional<int64_t> Run::PutAudio(const TimedUnit& unit, const TrackFeed& feed,
                                     int64_t relative_us, bool opens) {
  const int64_t duration = unit.unit.duration;
  const int64_t duration_us = TicksToUs(duration, feed.clock_rate());
  auto audio = std::ranges::find(audio_, feed.number(), &Audio::track);
  if (audio == audio_.end()) {
    if (relative_us < -duration_us / 2) return std::nullopt;
    const bool together = relative_us <= duration_us;
    audio_.push_back(Audio{.track = feed.number(), .skew_us = together ? relative_us : 0});
    audio = audio_.end() - 1;
    audio->next_dts = together ? 0 : UsToTicks(relative_us, feed.clock_rate());
  }
  const int64_t expected = UsToTicks(relative_us - audio->skew_us, feed.clock_rate());
  const int64_t off_us = std::abs(TicksToUs(expected - audio->next_dts, feed.clock_rate()));
  const int64_t tolerance_us = opens ? kAudioOffUs : std::max(duration_us * 3 / 2, 4 * kAudioOffUs);
  int64_t dts = audio->next_dts;
  if (off_us > tolerance_us) dts = std::max(expected, audio->last_dts + 1);
  audio->last_dts = dts;
  audio->next_dts = dts + duration;
  return dts;
}

}  // namespace penstock::fragmenter
