// Consecutive fragments of one track set, without a hole: where their times begin.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fragmenter/interleaver.h"
#include "fragmenter/track_feed.h"

namespace penstock::fragmenter {

// Turns times on the tracks' lines into run-relative ones. All tracks begin together at zero, with
// the lead's first unit: what lies before it is refused. The lead's times are its ticks. Audio
// counts samples; it is put right as a whole, at the start of a fragment if it is off by more than
// 10 ms, within one only where units are missing.
class Run {
 public:
  // `lead`: the first video track, or the only kind there is. `first` is the lead's unit that
  // starts the run.
  Run(std::shared_ptr<const TrackSet> tracks, const TrackFeed& lead, const TimedUnit& first);

  const std::shared_ptr<const TrackSet>& tracks() const { return tracks_; }
  uint32_t lead() const { return lead_; }
  bool has_video() const { return has_video_; }

  // Whether the unit's track, as configured for this unit, is of this run.
  bool Has(const TimedUnit& unit) const;

  // On the common line since the run's start; what fragments are cut by.
  int64_t RelativeUs(const TimedUnit& unit) const { return unit.time_us - origin_us_; }
  // Of the lead's ticks.
  int64_t LeadTicks(int64_t dts) const { return dts - origin_ticks_; }

  struct Place {
    int64_t dts = 0;  // run-relative ticks of the track's clock
    int64_t cts_offset = 0;
  };
  // `opens`: the unit is to be the first of its track in a fragment. Nothing for one from before
  // the start.
  std::optional<Place> Put(const TimedUnit& unit, const TrackFeed& feed, const TrackFeed& lead,
                           bool opens);

 private:
  // What has been put of a track.
  struct Line {
    uint32_t track = 0;
    std::optional<int64_t> last_dts;
    // Audio
    int64_t skew_us =
        0;  // how much earlier than it was its first unit was put, to begin with the others
    int64_t next_dts = 0;
  };
  Line& LineOf(uint32_t track);
  std::optional<int64_t> PutAudio(const TimedUnit& unit, const TrackFeed& feed, int64_t relative_us,
                                  bool opens);

  std::shared_ptr<const TrackSet> tracks_;
  const uint32_t lead_;
  bool has_video_ = false;
  const int64_t origin_ticks_;
  const int64_t origin_us_;
  std::vector<Line> lines_;
};

}  // namespace penstock::fragmenter
