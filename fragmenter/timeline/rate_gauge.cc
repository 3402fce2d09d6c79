#include "fragmenter/timeline/rate_gauge.h"

#include <algorithm>
#include <cstdlib>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

constexpr int64_t kStretchUs = 5 * kMicrosPerSecond;
constexpr int64_t kPpm = 1'000'000;
constexpr int64_t kAgreePpm = 50'000;  // two clocks over a stretch: reports jitter
constexpr int64_t kLiePpm =
    30'000;  // no crystal is off by so much, and no jitter over all stretches
constexpr int64_t kNominalPpm = 5'000;
// Beyond this it is no rate but a clock that stands still or leaps.
constexpr int64_t kRatioMax = 20;

bool Agree(int64_t a, int64_t b, int64_t ppm) {
  return std::abs(a - b) <= Rescale(std::abs(b), kPpm, ppm);
}

int64_t PpmOf(const RateGauge::Rate& rate) { return Rescale(rate.ticks, rate.raw, kPpm); }

}  // namespace

std::optional<RateGauge::Rate> RateGauge::Measure(const Reading& reading) const {
  const int64_t produced_us = ToUs(reading.producer) - ToUs(last_->producer);
  const int64_t elapsed_us = (reading.arrived - last_->arrived).count() * 1000;
  const int64_t stamps = reading.stamp - last_->stamp;
  const int64_t media = reading.newest_stamp - last_->newest_stamp;
  if (stamps <= 0 || !Agree(produced_us, elapsed_us, kAgreePpm) || !Agree(media, stamps, kAgreePpm))
    return std::nullopt;
  const Rate rate{UsToTicks(produced_us, clock_rate_), stamps};
  if (rate.ticks > rate.raw * kRatioMax || rate.raw > rate.ticks * kRatioMax) return std::nullopt;
  return rate;
}

std::optional<RateGauge::Rate> RateGauge::Take(const Reading& reading) {
  if (!last_) {
    last_ = reading;
    return std::nullopt;
  }
  if ((reading.arrived - last_->arrived).count() * 1000 < kStretchUs) return std::nullopt;
  const std::optional<Rate> rate = Measure(reading);
  last_ = reading;
  if (!rate) {
    stretches_.clear();
    return std::nullopt;
  }
  stretches_.push_back(*rate);
  if (stretches_.size() > kStretches) stretches_.pop_front();
  if (stretches_.size() < kStretches) return std::nullopt;
  Rate all{0, 0};
  for (const Rate& stretch : stretches_) {
    all.ticks += stretch.ticks;
    all.raw += stretch.raw;
  }
  const bool steady = std::ranges::all_of(
      stretches_, [&](const Rate& stretch) { return Agree(PpmOf(stretch), PpmOf(all), kLiePpm); });
  if (!steady || Agree(PpmOf(all), PpmOf(used_), kLiePpm)) return std::nullopt;
  used_ = Agree(PpmOf(all), kPpm, kNominalPpm) ? Rate() : all;
  return used_;
}

void RateGauge::Restart() {
  last_.reset();
  stretches_.clear();
}

}  // namespace penstock::fragmenter
