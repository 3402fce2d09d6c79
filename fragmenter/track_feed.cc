#include "fragmenter/track_feed.h"

#include <algorithm>
#include <cstdlib>

#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

// How far reports may move a track against where it is: the first ones, of which nobody knows yet
// whether they agree with themselves, and settled ones. What moves it farther is not of one clock.
constexpr int64_t kFirstReachUs = int64_t{3} * kMicrosPerSecond;
constexpr int64_t kSettledReachUs = int64_t{30} * kMicrosPerSecond;

std::optional<uint32_t> ReorderDepth(const TrackConfig& config) {
  if (!IsVideo(config.codec)) return 0;
  const Result<VideoFormat> format = ParseVideoFormat(config.codec, config.codec_private);
  return format.ok() ? format->reorder_depth : std::nullopt;
}

int64_t UnitTicks(const TrackConfig& config) {
  if (config.codec != Codec::kAac) return 0;
  const Result<AacConfig> aac = ParseAudioSpecificConfig(config.codec_private);
  if (aac.ok()) return Rescale(aac->frame_samples, aac->sample_rate, config.clock_rate);
  return config.sample_rate != 0 ? Rescale(1024, config.sample_rate, config.clock_rate) : 1024;
}

}  // namespace

TrackFeed::TrackFeed(TrackConfig config)
    : config_(std::make_shared<const TrackConfig>(std::move(config))),
      unit_ticks_(UnitTicks(*config_)),
      line_(config_->clock_rate),
      decode_times_(ReorderDepth(*config_)),
      producer_(config_->clock_rate),
      gauge_(config_->clock_rate) {}

void TrackFeed::Reconfigure(TrackConfig config) {
  const bool same_clock = config.clock_rate == config_->clock_rate;
  config_ = std::make_shared<const TrackConfig>(std::move(config));
  unit_ticks_ = UnitTicks(*config_);
  decode_times_ = DecodeTimes(ReorderDepth(*config_));
  if (!same_clock) Reset();
}

void TrackFeed::Reset() {
  line_ = TickLine(clock_rate());
  decode_times_ = DecodeTimes(ReorderDepth(*config_));
  producer_ = ProducerClock(clock_rate());
  gauge_ = RateGauge(clock_rate());
  trend_ = ArrivalTrend();
  follower_.Restart();
  sync_us_.reset();
  start_.reset();
  newest_raw_ = 0;
}

void TrackFeed::Push(AccessUnit unit, ServerTime arrived, std::vector<AccessUnit>& out,
                     std::vector<ClockEvent>& events) {
  const bool first = !line_.started();
  const int64_t expected = line_.Of(unit.pts);
  const TickLine::Place place = line_.Put(unit.pts, arrived);
  const bool by_arrival = place.frozen || place.leap != 0;
  newest_raw_ = first || by_arrival ? unit.pts : std::max(newest_raw_, unit.pts);
  if (by_arrival) {
    gauge_.Restart();
    if (producer_.anchored()) {
      events.push_back({place.frozen ? ClockAnomaly::kStampFrozen : ClockAnomaly::kStampLeap,
                        producer_.MapUs(expected), place.frozen_before});
    }
  }
  if (unit.dts) unit.dts = *unit.dts + (place.ticks - unit.pts);
  unit.pts = place.ticks;
  if (producer_.Received(unit.pts, unit.received))
    events.push_back({ClockAnomaly::kServerClockSet, ToMs(unit.received) * 1000, true});
  const int64_t media_us = TicksToUs(unit.pts, clock_rate());
  if (!sync_us_) sync_us_ = ToMs(arrived) * 1000 - media_us;
  trend_.Note(media_us, arrived);
  if (video()) {
    const bool closed = unit.key && IsClosedEntryPoint(config_->codec, unit.data);
    if (decode_times_.Push(std::move(unit), closed, out))
      events.push_back({ClockAnomaly::kDecodeTimes, producer_.MapUs(place.ticks), false});
  } else {
    unit.dts = unit.pts;
    if (unit.duration <= 0) unit.duration = unit_ticks_;
    out.push_back(std::move(unit));
  }
}

void TrackFeed::Flush(std::vector<AccessUnit>& out) { decode_times_.Flush(out); }

// Another rate: what the reports said before was said of other ticks.
void TrackFeed::NoteRate(const RateGauge::Reading& reading, std::vector<ClockEvent>& events) {
  const std::optional<RateGauge::Rate> rate = gauge_.Take(reading);
  if (!rate) return;
  line_.SetRate(rate->ticks, rate->raw);
  producer_ = ProducerClock(clock_rate());
  events.push_back({ClockAnomaly::kStampRate, ToUs(reading.producer), false});
}

void TrackFeed::Report(int64_t raw_pts, ProducerTime producer, ServerTime received,
                       ServerTime arrived, std::vector<ClockEvent>& events) {
  if (line_.started()) NoteRate({raw_pts, newest_raw_, producer, arrived}, events);
  const int64_t ticks = line_.Of(raw_pts);
  switch (producer_.Report(ticks, producer, received, line_.started() ? line_.newest() : ticks)) {
    case ProducerClock::Verdict::kFollowed:
    case ProducerClock::Verdict::kAnchored:
      break;
    case ProducerClock::Verdict::kJumped:
      events.push_back({ClockAnomaly::kReportJump, ToUs(producer), false});
      break;
    case ProducerClock::Verdict::kDoubted:
      events.push_back({ClockAnomaly::kReportDoubt, ToUs(producer), false});
      break;
    case ProducerClock::Verdict::kFrozen:
      events.push_back({ClockAnomaly::kReportFrozen, ToUs(producer), false});
      break;
    case ProducerClock::Verdict::kInsane:
      // Where it is not believed, the fragments say so: without the flag of a sane producer time.
      events.push_back({ClockAnomaly::kReportInsane,
                        producer_.from_reports() ? std::optional(ToUs(producer)) : std::nullopt,
                        false});
      break;
  }
}

int64_t TrackFeed::CommonUs(int64_t ticks) const {
  return TicksToUs(ticks, clock_rate()) + sync_us_.value_or(0);
}

int64_t TrackFeed::ReportedSyncUs() const {
  return producer_.SteadyUs(line_.newest()) - TicksToUs(line_.newest(), clock_rate());
}

void TrackFeed::SynchroniseByReports(const TrackFeed& lead) {
  if (&lead == this || !sync_us_ || !lead.sync_us_) return;
  if (!producer_.from_reports() || !lead.producer_.from_reports()) return;
  const int64_t sync_us = *lead.sync_us_ + ReportedSyncUs() - lead.ReportedSyncUs();
  const int64_t reach_us =
      producer_.settled() && lead.producer_.settled() ? kSettledReachUs : kFirstReachUs;
  if (std::abs(sync_us - *sync_us_) > reach_us) return;
  sync_us_ = sync_us;
  follower_.Restart();
}

void TrackFeed::SynchroniseByArrival(const TrackFeed& lead) {
  if (&lead == this || !sync_us_ || !lead.sync_us_) return;
  if (producer_.from_reports() && lead.producer_.from_reports()) return;
  *sync_us_ += follower_.Take(trend_, lead.trend_, *sync_us_ - *lead.sync_us_);
}

void TrackFeed::AlignStart(const TrackFeed& other) {
  if (&other == this || !start_ || !placed() || !other.start_ || !other.placed()) return;
  if (producer_.from_reports() && other.producer_.from_reports()) return;
  sync_us_ = other.CommonUs(*other.start_) - TicksToUs(*start_, clock_rate());
  follower_.Restart();
}

}  // namespace penstock::fragmenter
