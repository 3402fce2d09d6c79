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

Run::Line& Run::LineOf(uint32_t track) {
  const auto found = std::ranges::find(lines_, track, &Line::track);
  if (found != lines_.end()) return *found;
  return lines_.emplace_back(Line{.track = track});
}

std::optional<Run::Place> Run::Put(const TimedUnit& unit, const TrackFeed& feed,
                                   const TrackFeed& lead, bool opens) {
  // By what is known of the clocks now: sender reports may have come since the start.
  const int64_t relative_us = feed.CommonUs(*unit.unit.dts) - lead.CommonUs(origin_ticks_);
  std::optional<int64_t> dts;
  if (!feed.video()) {
    dts = PutAudio(unit, feed, relative_us, opens);
  } else {
    dts = feed.number() == lead_ ? LeadTicks(*unit.unit.dts)
                                 : UsToTicks(relative_us, feed.clock_rate());
  }
  if (!dts || *dts < 0) return std::nullopt;
  const int64_t pts = *dts + unit.unit.pts - *unit.unit.dts;
  // Ascending whatever the clocks and configurations did: a player relies on it.
  Line& line = LineOf(feed.number());
  if (line.last_dts) dts = std::max(*dts, *line.last_dts + 1);
  line.last_dts = dts;
  return Place{*dts, pts - *dts};
}

std::optional<int64_t> Run::PutAudio(const TimedUnit& unit, const TrackFeed& feed,
                                     int64_t relative_us, bool opens) {
  const int64_t duration = std::max<int64_t>(unit.unit.duration, 1);
  const int64_t duration_us = TicksToUs(duration, feed.clock_rate());
  Line& line = LineOf(feed.number());
  if (!line.last_dts) {
    if (relative_us < -duration_us / 2) return std::nullopt;
    const bool together = relative_us <= duration_us / 2;
    line.skew_us = together ? relative_us : 0;
    line.next_dts = together ? 0 : UsToTicks(relative_us, feed.clock_rate());
  }
  const int64_t expected = UsToTicks(relative_us - line.skew_us, feed.clock_rate());
  const int64_t off_us = std::abs(TicksToUs(expected - line.next_dts, feed.clock_rate()));
  const int64_t tolerance_us = opens ? kAudioOffUs : std::max(duration_us * 3 / 2, 4 * kAudioOffUs);
  int64_t dts = line.next_dts;
  if (off_us > tolerance_us)
    dts = line.last_dts ? std::max(expected, *line.last_dts + 1) : expected;
  line.next_dts = dts + duration;
  return dts;
}

}  // namespace penstock::fragmenter
