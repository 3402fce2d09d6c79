#include "fragmenter/codec/g711.h"

#include "base/byte_io.h"
#include "base/check.h"

namespace penstock::fragmenter {
namespace {

// A sign, three bits of exponent, four of mantissa, all inverted; the steps double from segment to
// segment.
int16_t DecodeMuLaw(uint8_t sample) {
  constexpr int kBias = 0x84;
  const auto code = static_cast<uint8_t>(~sample);
  const int magnitude = (((code & 0x0f) << 3) + kBias) << (code >> 4 & 7);
  return static_cast<int16_t>((code & 0x80) != 0 ? kBias - magnitude : magnitude - kBias);
}

// The same with every other bit inverted; a set sign bit is positive.
int16_t DecodeALaw(uint8_t sample) {
  const auto code = static_cast<uint8_t>(sample ^ 0x55);
  const int exponent = code >> 4 & 7;
  const int step = (code & 0x0f) << 4;
  const int magnitude = exponent == 0 ? step + 8 : (step + 0x108) << (exponent - 1);
  return static_cast<int16_t>((code & 0x80) != 0 ? magnitude : -magnitude);
}

}  // namespace

Bytes MakeWaveFormat(Codec codec, uint32_t sample_rate, uint32_t channels) {
  CHECK(IsG711(codec));
  ByteWriter out;
  out.Le<uint16_t>(codec == Codec::kPcmu ? 7 : 6);
  out.Le(static_cast<uint16_t>(channels));
  out.Le(sample_rate);
  out.Le(sample_rate * channels);  // bytes a second
  out.Le(static_cast<uint16_t>(channels));
  out.Le<uint16_t>(8);
  out.Le<uint16_t>(0);
  return out.Take();
}

int16_t DecodeG711(Codec codec, uint8_t sample) {
  CHECK(IsG711(codec));
  return codec == Codec::kPcmu ? DecodeMuLaw(sample) : DecodeALaw(sample);
}

}  // namespace penstock::fragmenter
