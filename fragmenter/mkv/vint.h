// Lengths of EBML variable-size integers (RFC 8794, section 4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::fragmenter::mkv {

// Bytes of the shortest data size that can say `value`; the value of all ones is reserved for
// "unknown". Requires value < 2^56 - 1.
constexpr size_t DataSizeBytes(uint64_t value) {
  size_t bytes = 1;
  while (value >= (uint64_t{1} << (7 * bytes)) - 1) ++bytes;
  return bytes;
}

// SimpleBlock before the frame's bytes: id, size, track number (< 127), relative timestamp, flags.
constexpr size_t SimpleBlockHeaderBytes(uint64_t frame_bytes) {
  return 1 + DataSizeBytes(frame_bytes + 4) + 4;
}

}  // namespace penstock::fragmenter::mkv
