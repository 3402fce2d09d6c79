// NAL units: what H.264 and H.265 have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"

namespace penstock::fragmenter {

// Both standards bound the decoded picture buffer, and with it the reordering, at 16.
inline constexpr uint32_t kReorderDepthMax = 16;

// The payload without the 3s in 00 00 03.
std::vector<uint8_t> RemoveEmulationPrevention(ByteSpan payload);

// Takes the next unit off an access unit of 4-byte length-prefixed ones; nothing at its end and
// where a length points past it.
std::optional<ByteSpan> TakeNal(ByteSpan& unit);

}  // namespace penstock::fragmenter
