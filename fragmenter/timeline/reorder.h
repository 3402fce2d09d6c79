// Decode times from presentation times.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "fragmenter/media.h"

namespace penstock::fragmenter {

// RTP carries presentation times only. The decode time of the n-th unit in decoding order is the
// n-th smallest presentation time: the times a display would show pictures at, handed out in the
// order in which a decoder takes them. So the first picture of a closed group has dts == pts, a
// run's presentation starts exactly at its first decode time (as CMAF wants it), and pts - dts is
// negative for pictures that are shown before ones decoded earlier.
//
// The n-th smallest is known once `depth` more units are there, or at once where a closed entry
// point ends all reordering: no delay without B frames. Holds at most kReorderDepthMax units.
class DecodeTimes {
 public:
  // What the SPS says. Not said: the depth is assumed, then observed.
  explicit DecodeTimes(std::optional<uint32_t> depth);

  // `closed_entry`: nothing after this unit is shown before it. Units whose dts is now certain are
  // appended to `out`, in decoding order. True if decode times that came with the units were found
  // to be none, because they stand still or are far from pts: from here on they are made.
  bool Push(AccessUnit unit, bool closed_entry, std::vector<AccessUnit>& out);
  // No more will come that belongs to what is held.
  void Flush(std::vector<AccessUnit>& out);

  uint32_t depth() const { return depth_; }

 private:
  void Observe(int64_t pts);
  bool Believable(int64_t given_dts, int64_t pts);
  void GiveOne(std::vector<AccessUnit>& out);

  bool declared_;
  uint32_t depth_;
  uint32_t observed_ = 0;
  uint32_t seen_ = 0;
  std::deque<int64_t> recent_;   // presentation times in decoding order
  std::deque<AccessUnit> held_;  // in decoding order
  std::vector<int64_t> times_;   // of the held ones, ascending
  std::optional<int64_t> last_dts_;
  // For units that came with a dts of their own.
  std::optional<int64_t> given_shift_;
  std::optional<int64_t> given_last_;
  int given_bad_ = 0;  // in a row
  bool given_believed_ = true;
};

}  // namespace penstock::fragmenter
