#include "fragmenter/codec/nal.h"

namespace penstock::fragmenter {

std::vector<uint8_t> RemoveEmulationPrevention(ByteSpan payload) {
  std::vector<uint8_t> out;
  out.reserve(payload.size());
  int zeros = 0;
  for (const uint8_t byte : payload) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    out.push_back(byte);
  }
  return out;
}

std::optional<ByteSpan> TakeNal(ByteSpan& unit) {
  if (unit.size() < 4) return std::nullopt;
  const size_t size =
      size_t{unit[0]} << 24 | size_t{unit[1]} << 16 | size_t{unit[2]} << 8 | unit[3];
  if (size > unit.size() - 4) return std::nullopt;
  const ByteSpan nal = unit.subspan(4, size);
  unit = unit.subspan(4 + size);
  return nal;
}

}  // namespace penstock::fragmenter
