#include "fragmenter/track_feed.h"

#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

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
      producer_(config_->clock_rate) {}

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
  sync_us_.reset();
  start_.reset();
  newest_ticks_ = 0;
}

std::optional<int64_t> TrackFeed::Push(AccessUnit unit, std::vector<AccessUnit>& out) {
  const TickLine::Place place = line_.Put(unit.pts, unit.received);
  std::optional<int64_t> raw_us;
  if (place.leap != 0 && producer_.anchored()) raw_us = producer_.MapUs(place.ticks + place.leap);
  if (unit.dts) unit.dts = *unit.dts + (place.ticks - unit.pts);
  unit.pts = place.ticks;
  newest_ticks_ = place.ticks;
  producer_.Received(unit.pts, unit.received);
  if (!sync_us_) sync_us_ = ToMs(unit.received) * 1000 - TicksToUs(unit.pts, clock_rate());
  if (video()) {
    const bool closed = unit.key && IsClosedEntryPoint(config_->codec, unit.data);
    decode_times_.Push(std::move(unit), closed, out);
  } else {
    unit.dts = unit.pts;
    if (unit.duration <= 0) unit.duration = unit_ticks_;
    out.push_back(std::move(unit));
  }
  return raw_us;
}

void TrackFeed::Flush(std::vector<AccessUnit>& out) { decode_times_.Flush(out); }

ProducerClock::Verdict TrackFeed::Report(int64_t raw_pts, ProducerTime producer,
                                         ServerTime received) {
  const int64_t ticks = line_.Of(raw_pts);
  newest_ticks_ = ticks;
  return producer_.Report(ticks, producer, received);
}

int64_t TrackFeed::CommonUs(int64_t ticks) const {
  return TicksToUs(ticks, clock_rate()) + sync_us_.value_or(0);
}

int64_t TrackFeed::ReportedSyncUs() const {
  return producer_.MapUs(newest_ticks_) - TicksToUs(newest_ticks_, clock_rate());
}

void TrackFeed::Synchronise(const TrackFeed& lead) {
  if (&lead == this || !lead.sync_us_ || !producer_.from_reports() ||
      !lead.producer_.from_reports())
    return;
  sync_us_ = *lead.sync_us_ + ReportedSyncUs() - lead.ReportedSyncUs();
}

void TrackFeed::AlignStart(const TrackFeed& other) {
  if (&other == this || !start_ || !placed() || !other.start_ || !other.placed()) return;
  if (producer_.from_reports() && other.producer_.from_reports()) return;
  sync_us_ = other.CommonUs(*other.start_) - TicksToUs(*start_, clock_rate());
}

}  // namespace penstock::fragmenter
