#include "fragmenter/timeline/reorder.h"

#include <algorithm>
#include <cstdlib>

#include "fragmenter/codec/nal.h"

namespace penstock::fragmenter {
namespace {

// Assumed where the SPS is silent: enough for pyramids of B frames. What is observed replaces it
// after so many units.
constexpr uint32_t kAssumedDepth = 4;
constexpr uint32_t kObservedAfter = 60;
// How far the distance of given decode times from presentation times may change, in ticks: beyond
// any reordering at any clock rate.
constexpr int64_t kShiftMax = int64_t{90'000} * 10;
// So many that cannot be, in a row.
constexpr int kBadMax = 3;

}  // namespace

DecodeTimes::DecodeTimes(std::optional<uint32_t> depth)
    : declared_(depth.has_value()), depth_(depth.value_or(kAssumedDepth)) {}

// How many of the last units come before this one in decoding order and after it in display order.
void DecodeTimes::Observe(int64_t pts) {
  const auto later = static_cast<uint32_t>(
      std::ranges::count_if(recent_, [&](int64_t other) { return other > pts; }));
  observed_ = std::min(std::max(observed_, later), kReorderDepthMax);
  recent_.push_back(pts);
  if (recent_.size() > kReorderDepthMax) recent_.pop_front();
  ++seen_;
  // A stream may break its own promise; the times must hold anyway.
  depth_ = std::max(depth_, observed_);
  if (!declared_ && seen_ >= kObservedAfter) depth_ = observed_;
}

// Decode times ascend and are near the presentation times. A writer that rounds may give one twice.
bool DecodeTimes::Believable(int64_t given_dts, int64_t pts) {
  const int64_t shift = pts - given_dts;
  if (!given_shift_) given_shift_ = shift;
  const bool ascends = !given_last_ || given_dts > *given_last_;
  const bool near = std::abs(shift - *given_shift_) <= kShiftMax;
  given_last_ = given_dts;
  given_bad_ = ascends && near ? 0 : given_bad_ + 1;
  return given_bad_ < kBadMax;
}

bool DecodeTimes::Push(AccessUnit unit, bool closed_entry, std::vector<AccessUnit>& out) {
  bool found_out = false;
  if (unit.dts && given_believed_) {
    given_believed_ = Believable(*unit.dts, unit.pts);
    found_out = !given_believed_;
  }
  if (unit.dts && given_believed_) {
    const int64_t dts = *unit.dts + *given_shift_;
    unit.dts = last_dts_ ? std::max(dts, *last_dts_ + 1) : dts;
    last_dts_ = unit.dts;
    out.push_back(std::move(unit));
    return false;
  }
  unit.dts.reset();
  if (closed_entry) {
    Flush(out);
    recent_.clear();
  }
  Observe(unit.pts);
  times_.insert(std::ranges::upper_bound(times_, unit.pts), unit.pts);
  held_.push_back(std::move(unit));
  while (held_.size() > depth_) GiveOne(out);
  return found_out;
}

void DecodeTimes::GiveOne(std::vector<AccessUnit>& out) {
  AccessUnit& unit = held_.front();
  const int64_t dts = times_.front();
  unit.dts = last_dts_ ? std::max(dts, *last_dts_ + 1) : dts;
  last_dts_ = unit.dts;
  times_.erase(times_.begin());
  out.push_back(std::move(unit));
  held_.pop_front();
}

void DecodeTimes::Flush(std::vector<AccessUnit>& out) {
  while (!held_.empty()) GiveOne(out);
}

}  // namespace penstock::fragmenter
