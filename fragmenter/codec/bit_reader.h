// Bits of a header, most significant first. Never reads past the end: it fails, and everything
// after the failure reads as zero.
#pragma once

#include <bit>
#include <cstdint>

#include "base/bytes.h"

namespace penstock::fragmenter {

class BitReader {
 public:
  explicit BitReader(ByteSpan bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return bytes_.size() * 8 - position_; }

  // Requires count <= 32.
  uint32_t Bits(int count) {
    CHECK(count <= 32);
    if (!ok_ || static_cast<size_t>(count) > left()) {
      ok_ = false;
      return 0;
    }
    uint32_t value = 0;
    for (int i = 0; i < count; ++i, ++position_) {
      value = value << 1 | (bytes_[position_ / 8] >> (7 - position_ % 8) & 1u);
    }
    return value;
  }
  bool Bit() { return Bits(1) != 0; }
  void Skip(size_t count) {
    if (!ok_ || count > left()) {
      ok_ = false;
      return;
    }
    position_ += count;
  }

  // ue(v) and se(v) of H.264 9.1 and H.265 9.2.
  uint32_t Ue() {
    int zeros = 0;
    while (ok_ && !Bit()) {
      if (++zeros > 31) ok_ = false;
    }
    if (!ok_) return 0;
    return ((1u << zeros) - 1) + Bits(zeros);
  }
  int32_t Se() {
    const uint32_t value = Ue();
    return value % 2 == 1 ? static_cast<int32_t>(value / 2 + 1) : -static_cast<int32_t>(value / 2);
  }

 private:
  ByteSpan bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace penstock::fragmenter
