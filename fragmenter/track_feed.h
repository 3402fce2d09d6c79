// What is known of one track between its source and the interleaver.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fragmenter/media.h"
#include "fragmenter/timeline/anomaly.h"
#include "fragmenter/timeline/arrival_trend.h"
#include "fragmenter/timeline/producer_clock.h"
#include "fragmenter/timeline/rate_gauge.h"
#include "fragmenter/timeline/reorder.h"
#include "fragmenter/timeline/tick_line.h"

namespace penstock::fragmenter {

// Something was wrong with a clock.
struct ClockEvent {
  ClockAnomaly what = ClockAnomaly::kStampLeap;
  // What the producer's clock said; the fragment is flagged and keeps it. Without: only counted.
  std::optional<int64_t> raw_us;
  // It goes on: flags the fragment, but was counted when it began.
  bool continued = false;
};

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

  // Places the unit on the track's line; `arrived` is when it was received, by a clock that nobody
  // sets. Units whose decode time is known now are appended to `out`, what was wrong to `events`.
  void Push(AccessUnit unit, ServerTime arrived, std::vector<AccessUnit>& out,
            std::vector<ClockEvent>& events);
  void Flush(std::vector<AccessUnit>& out);

  // A sender report: `raw_pts` as in units.
  void Report(int64_t raw_pts, ProducerTime producer, ServerTime received, ServerTime arrived,
              std::vector<ClockEvent>& events);
  const ProducerClock& producer() const { return producer_; }

  // The line that the tracks have in common: by arrival, until sender reports tell better
  // (Synchronise).
  //
  //   common_us(ticks) = ticks / clock_rate + sync_us
  int64_t CommonUs(int64_t ticks) const;
  // Keeps this track where it belongs beside `lead`. By what the reports of both say where they are
  // believed: call when a report has come. Where not, by how both arrive: call after each unit.
  void SynchroniseByReports(const TrackFeed& lead);
  void SynchroniseByArrival(const TrackFeed& lead);

  // Where on this track what plays now starts; the same instant on all tracks that know it.
  void SetStart(int64_t raw_pts) { start_ = line_.Of(raw_pts); }
  // Whether the track has begun to send, so that it has a place on the common line.
  bool placed() const { return sync_us_.has_value(); }
  // Puts this track where the starts of both say that it is beside `other`. Does nothing while one
  // of them has none, or where sender reports know better.
  void AlignStart(const TrackFeed& other);

 private:
  int64_t ReportedSyncUs() const;
  void NoteRate(const RateGauge::Reading& reading, std::vector<ClockEvent>& events);

  std::shared_ptr<const TrackConfig> config_;
  int64_t unit_ticks_ = 0;
  TickLine line_;
  DecodeTimes decode_times_;
  ProducerClock producer_;
  RateGauge gauge_;
  ArrivalTrend trend_;
  ArrivalFollower follower_;
  std::optional<int64_t> sync_us_;
  std::optional<int64_t> start_;  // ticks of line_
  int64_t newest_raw_ = 0;        // the highest stamp since the last leap
};

}  // namespace penstock::fragmenter
