// What a transport stream says of itself (ISO/IEC 13818-1, 2.4.4): one program, and the streams
// that it is made of.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace penstock::playback::ts {

inline constexpr uint16_t kPatPid = 0;
inline constexpr uint16_t kPmtPid = 0x1000;
inline constexpr uint16_t kFirstStreamPid = 0x100;

// stream_type
inline constexpr uint8_t kAdtsType = 0x0f;
inline constexpr uint8_t kH264Type = 0x1b;
inline constexpr uint8_t kH265Type = 0x24;

struct StreamEntry {
  uint8_t type = 0;
  uint16_t pid = 0;
};

// Sections with their CRC.
Bytes MakePat();
Bytes MakePmt(std::span<const StreamEntry> streams, uint16_t clock_pid);

// Annex A: polynomial 0x04c11db7, begun with ones, nothing reflected or inverted. 0 over a section
// with its CRC.
uint32_t SectionCrc(ByteSpan bytes);

}  // namespace penstock::playback::ts
