#include "fragmenter/timeline/producer_clock.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

// A camera may be minutes off and still mean it; from ten on it is a wrong time zone, a wrong era
// or no NTP at all.
constexpr int64_t kSaneUs = int64_t{10} * 60 * kMicrosPerSecond;
// More than this at once is a clock that was set, not one that drifts.
constexpr int64_t kJumpUs = kMicrosPerSecond;
constexpr int64_t kSlewPpmMax = 2000;
// So many reports in a row that agree with nothing.
constexpr int kDoubtsMax = 3;
// A report names a moment near the one it is sent at, and so near the newest media.
constexpr int64_t kReportReachUs = int64_t{10} * kMicrosPerSecond;
// Beyond any date; leaves room to add.
constexpr int64_t kFarUs = int64_t{1} << 60;
// Arrival times jitter; as a reference they only count when they are off by more than jitter.
constexpr int64_t kArrivalDriftUs = kMicrosPerSecond / 2;
constexpr int64_t kArrivalJumpUs = int64_t{10} * kMicrosPerSecond;

}  // namespace

void ProducerClock::Anchor(int64_t ticks, int64_t us) {
  anchored_ = true;
  anchor_ticks_ = ticks;
  anchor_us_ = us;
  correction_us_ = 0;
}

void ProducerClock::Jump(int64_t ticks, int64_t us) {
  if (settled_ && anchored_) jumps_us_ += us - MapUs(ticks);
  Anchor(ticks, us);
}

void ProducerClock::Follow(int64_t ticks, int64_t us) {
  const int64_t now_us = MapUs(ticks);
  Anchor(ticks, now_us);
  correction_us_ = us - now_us;
}

int64_t ProducerClock::SlewedMax(int64_t elapsed_us) const {
  return Rescale(std::max<int64_t>(elapsed_us, 0), kMicrosPerSecond, kSlewPpmMax);
}

int64_t ProducerClock::MapUs(int64_t ticks) const {
  const int64_t elapsed_us = TicksToUs(ticks - anchor_ticks_, clock_rate_);
  const int64_t slewed_max = SlewedMax(elapsed_us);
  return anchor_us_ + elapsed_us + std::clamp(correction_us_, -slewed_max, slewed_max);
}

bool ProducerClock::Received(int64_t ticks, ServerTime received) {
  if (from_reports_) return false;
  const int64_t us = ToMs(received) * 1000;
  if (!anchored_) {
    Anchor(ticks, us);
    return false;
  }
  const int64_t error_us = us - MapUs(ticks);
  if (std::abs(error_us) > kArrivalJumpUs) {
    Jump(ticks, us);
    return true;
  }
  const bool slewing =
      std::abs(correction_us_) > SlewedMax(TicksToUs(ticks - anchor_ticks_, clock_rate_));
  if (std::abs(error_us) > kArrivalDriftUs && !slewing) Follow(ticks, us);
  return false;
}

bool ProducerClock::AgreesWithDoubted(int64_t ticks, int64_t us) const {
  if (!doubted_) return false;
  const int64_t said_us = doubted_->us + TicksToUs(ticks - doubted_->ticks, clock_rate_);
  return us >= said_us - kJumpUs && us <= said_us + kJumpUs;
}

// Not followed, and one too many ends belief.
ProducerClock::Verdict ProducerClock::Doubt(Said said, int64_t server_us, Verdict otherwise) {
  doubted_ = said;
  if (!from_reports_ || ++doubts_ < kDoubtsMax) return otherwise;
  from_reports_ = false;
  doubts_ = 0;
  Jump(said.ticks, server_us);
  return Verdict::kJumped;
}

ProducerClock::Verdict ProducerClock::Report(int64_t ticks, ProducerTime producer,
                                             ServerTime received, int64_t newest_ticks) {
  const int64_t us = std::clamp(ToUs(producer), -kFarUs, kFarUs);
  const int64_t server_us = ToMs(received) * 1000;
  const int64_t reach = UsToTicks(kReportReachUs, clock_rate_);
  if (ticks < newest_ticks - reach || ticks > newest_ticks + reach)
    return Doubt({newest_ticks, us}, server_us, Verdict::kDoubted);
  if (std::exchange(last_us_, us) == us) return Verdict::kFrozen;
  const bool agrees = AgreesWithDoubted(ticks, us);
  if (us < server_us - kSaneUs || us > server_us + kSaneUs) {
    if (!from_reports_) return Verdict::kInsane;
    if (!agrees) return Doubt({ticks, us}, server_us, Verdict::kInsane);
    from_reports_ = false;
    doubts_ = 0;
    Jump(ticks, server_us);
    return Verdict::kJumped;
  }
  if (from_reports_ && std::abs(us - MapUs(ticks)) <= kJumpUs) {
    Follow(ticks, us);
    doubted_.reset();
    doubts_ = 0;
    settled_ = true;
    return Verdict::kFollowed;
  }
  if (ever_believed_ && !agrees) return Doubt({ticks, us}, server_us, Verdict::kDoubted);
  const bool first = !std::exchange(ever_believed_, true);
  from_reports_ = true;
  doubted_.reset();
  doubts_ = 0;
  Jump(ticks, us);
  return first ? Verdict::kAnchored : Verdict::kJumped;
}

}  // namespace penstock::fragmenter
