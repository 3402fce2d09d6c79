// Decode times for transport streams, in which no picture may be decoded after it is shown.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fragmenter/media.h"

namespace penstock::playback::ts {

// Of one track's pictures in a fragment, in decoding order, in the ticks of their table.
//
// The table's decode times are the presentation times in ascending order (timeline/reorder.h), so
// with B frames a picture may be shown before its own. The n-th picture's time becomes that of the
// one `depth` before it: how many a decoder has to hold back, as the SPS says, or as is seen here
// where it does not. Those of the fragment's first pictures would be known to the fragment before
// only, and are counted back in steps of the shortest distance here: at a steady rate they are the
// same, and whatever the rate they ascend over both unless that leaps just there.
//
//   result[n] <= pts[n],  result[n] < result[n + 1]
std::vector<int64_t> DecodeTimes(std::span<const fragmenter::Frame> pictures,
                                 std::optional<uint32_t> declared_depth, uint32_t clock_rate);

}  // namespace penstock::playback::ts
