// The parameter sets that avcC and hvcC carry (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1): what a
// decoder must have before the first picture.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"

namespace penstock::fragmenter {

struct ParameterSets {
  size_t length_bytes = 4;      // of the number before each NAL unit of a sample
  std::vector<ByteSpan> units;  // in the order in which a decoder wants them; views of the box
};

// Requires kH264 or kH265. kCorruption: cut short, or without a parameter set.
Result<ParameterSets> ReadParameterSets(Codec codec, ByteSpan box);

// avcC or hvcC of these (NAL units with their headers and emulation prevention), for samples of
// 4-byte lengths. kProtocol: a kind is missing (VPS, for H.265; SPS; PPS), there are more or larger
// ones than fit, or the first SPS breaks its own rules.
Result<Bytes> MakeConfigBox(Codec codec, const std::vector<ByteSpan>& units);

// The same box, for samples of 4-byte lengths. Requires one that ReadParameterSets takes.
Bytes WithFourByteLengths(Codec codec, Bytes box);

// What a NAL unit is; `head` is its first byte.
inline int NalType(Codec codec, uint8_t head) {
  return codec == Codec::kH264 ? head & 0x1f : head >> 1 & 0x3f;
}
bool IsParameterSet(Codec codec, uint8_t head);
bool IsAccessUnitDelimiter(Codec codec, uint8_t head);

}  // namespace penstock::fragmenter
