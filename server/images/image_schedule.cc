#include "server/images/image_schedule.h"

#include <algorithm>

#include "base/limits.h"

namespace penstock::server::images {
namespace {

constexpr int64_t kPauseUs = std::chrono::microseconds(limits::kPauseNoHole).count();
constexpr int64_t kReachUs = std::chrono::microseconds(playback::kFragmentReach).count();

}  // namespace

int64_t ImageSchedule::BeginOf(const store::ItemHeader& fragment, int64_t start_us) const {
  const bool follows = fragment.ordinal == next_ordinal_ && fragment.run == run_;
  const bool jitter = follows && start_us > end_us_ && start_us - end_us_ <= kPauseUs;
  return jitter ? end_us_ : start_us;
}

std::vector<int64_t> ImageSchedule::Next(const store::ItemHeader& fragment) {
  const int64_t start_us = playback::StartOn(axis_, fragment);
  const int64_t begin_us = BeginOf(fragment, start_us);
  const int64_t end_us = start_us + fragment.duration.count();
  // A clock that was set back: its times are new ones.
  if (last_us_ > start_us + kReachUs) last_us_ = 0;
  int64_t point = (begin_us + interval_us_ - 1) / interval_us_ * interval_us_;
  point = std::max(point, last_us_ + (last_us_ == 0 ? 0 : interval_us_));
  std::vector<int64_t> due;
  for (; point < end_us && due.size() < kPointsMax; point += interval_us_) due.push_back(point);
  if (!due.empty()) last_us_ = due.back();
  next_ordinal_ = fragment.ordinal + 1;
  run_ = fragment.run;
  end_us_ = end_us;
  return due;
}

}  // namespace penstock::server::images
