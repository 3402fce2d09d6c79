#include "fragmenter/timeline/arrival_trend.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace penstock::fragmenter {
namespace {

constexpr int64_t kWindowMs = 10'000;
constexpr int64_t kStepMaxUs = kWindowMs * 1000 * 2000 / 1'000'000;  // 2,000 ppm of a window
constexpr int64_t kFarUs = 200'000;

}  // namespace

void ArrivalTrend::Note(int64_t media_us, ServerTime arrived) {
  const int64_t index = ToMs(arrived) / kWindowMs;
  const int64_t late_us = ToMs(arrived) * 1000 - media_us;
  if (open_ && open_->index == index) {
    open_->earliest_us = std::min(open_->earliest_us, late_us);
    return;
  }
  if (open_) ended_ = open_;
  open_ = Window{index, late_us};
}

int64_t ArrivalFollower::Take(const ArrivalTrend& own, const ArrivalTrend& other,
                              int64_t offset_us) {
  const auto& a = own.ended();
  const auto& b = other.ended();
  if (!a || !b || a->index != b->index || last_window_ == a->index) return 0;
  last_window_ = a->index;
  const int64_t apart_us = a->earliest_us - b->earliest_us;
  if (!constant_us_) {
    constant_us_ = offset_us - apart_us;
    return 0;
  }
  const int64_t error_us = *constant_us_ + apart_us - offset_us;
  const std::optional<int64_t> far_before = std::exchange(far_us_, std::nullopt);
  if (std::abs(error_us) > kFarUs) {
    if (far_before && (*far_before > 0) == (error_us > 0)) return error_us;
    far_us_ = error_us;
    return 0;
  }
  return std::clamp(error_us, -kStepMaxUs, kStepMaxUs);
}

}  // namespace penstock::fragmenter
