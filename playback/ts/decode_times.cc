#include "playback/ts/decode_times.h"

#include <algorithm>

#include "fragmenter/codec/nal.h"

namespace penstock::playback::ts {
namespace {

using fragmenter::Frame;

int64_t Pts(const Frame& frame) { return frame.dts + frame.cts_offset; }

// The most that precede a picture in decoding order and are shown after it.
size_t ObservedDepth(std::span<const Frame> pictures) {
  size_t depth = 0;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const size_t from = i - std::min<size_t>(i, fragmenter::kReorderDepthMax);
    size_t later = 0;
    for (size_t j = from; j < i; ++j) later += Pts(pictures[j]) > Pts(pictures[i]) ? 1 : 0;
    depth = std::max(depth, later);
  }
  return depth;
}

int64_t ShortestStep(std::span<const Frame> pictures, uint32_t clock_rate) {
  int64_t step = clock_rate;
  for (size_t i = 1; i < pictures.size(); ++i) {
    const int64_t distance = pictures[i].dts - pictures[i - 1].dts;
    if (distance > 0) step = std::min(step, distance);
  }
  if (pictures.size() == 1 && pictures[0].duration > 0)
    step = std::min<int64_t>(step, pictures[0].duration);
  return std::max<int64_t>(step, 1);
}

}  // namespace

std::vector<int64_t> DecodeTimes(std::span<const Frame> pictures,
                                 std::optional<uint32_t> declared_depth, uint32_t clock_rate) {
  const size_t depth = std::max<size_t>(declared_depth.value_or(0), ObservedDepth(pictures));
  const int64_t step = ShortestStep(pictures, clock_rate);
  std::vector<int64_t> times(pictures.size());
  for (size_t i = 0; i < times.size(); ++i) {
    times[i] = i >= depth ? pictures[i - depth].dts
                          : pictures[0].dts - static_cast<int64_t>(depth - i) * step;
  }
  // What is stored is as sound as who made it: whatever it says, both promises are kept.
  for (size_t i = times.size(); i-- > 0;) {
    times[i] = std::min(times[i], Pts(pictures[i]));
    if (i + 1 < times.size()) times[i] = std::min(times[i], times[i + 1] - 1);
  }
  return times;
}

}  // namespace penstock::playback::ts
