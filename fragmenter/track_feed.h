// What is known of one track between its source and the interleaver.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fragmenter/media.h"
#include "fragmenter/timeline/producer_clock.h"
#include "fragmenter/timeline/reorder.h"
#include "fragmenter/timeline/tick_line.h"

namespace penstock::fragmenter {

// A track's configuration and clocks. Lives as long as the track is announced; Reset when the
// source starts anew.
class TrackFeed {
 public:
  explicit TrackFeed(TrackConfig config);

  const std::shared_ptr<const TrackConfig>& config() const { return config_; }
  uint32_t number() const { return config_->number; }
  uint32_t clock_rate() const { return config_->clock_rate; }
  bool video() const { return IsVideo(config_->codec); }
  // Ticks of one audio unit; 0 for video.
  int64_t unit_ticks() const { return unit_ticks_; }

  // The same track, described otherwise. Requires that nothing is held (Flush). Another clock rate
  // resets.
  void Reconfigure(TrackConfig config);
  void Reset();

  // Places the unit on the track's line. Those whose decode time is known now are appended to
  // `out`. Returns the raw producer time at a leap of the time stamps.
  std::optional<int64_t> Push(AccessUnit unit, std::vector<AccessUnit>& out);
  void Flush(std::vector<AccessUnit>& out);

  ProducerClock::Verdict Report(int64_t raw_pts, ProducerTime producer, ServerTime received);
  const ProducerClock& producer() const { return producer_; }

  // The line that the tracks have in common: by arrival, until sender reports tell better
  // (Synchronise).
  int64_t CommonUs(int64_t ticks) const;
  // Puts this track where the reports of both tracks say that it is beside `lead`. Does nothing
  // while one of them has none.
  void Synchronise(const TrackFeed& lead);

  // Where on this track what plays now starts; the same instant on all tracks that know it.
  void SetStart(int64_t raw_pts) { start_ = line_.Of(raw_pts); }
  // Whether the track has begun to send, so that it has a place on the common line.
  bool placed() const { return sync_us_.has_value(); }
  // Puts this track where the starts of both say that it is beside `other`. Does nothing while one
  // of them has none, or where sender reports know better.
  void AlignStart(const TrackFeed& other);

 private:
  int64_t ReportedSyncUs() const;

  std::shared_ptr<const TrackConfig> config_;
  int64_t unit_ticks_ = 0;
  TickLine line_;
  DecodeTimes decode_times_;
  ProducerClock producer_;
  std::optional<int64_t> sync_us_;
  std::optional<int64_t> start_;  // ticks of line_
  int64_t newest_ticks_ = 0;
};

}  // namespace penstock::fragmenter
