// G.711 (ITU-T G.711): eight bits a sample, logarithmic.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "fragmenter/media.h"

namespace penstock::fragmenter {

inline bool IsG711(Codec codec) { return codec == Codec::kPcmu || codec == Codec::kPcma; }

// WAVEFORMATEX, little-endian: what describes it in Matroska (codec A_MS/ACM).
Bytes MakeWaveFormat(Codec codec, uint32_t sample_rate, uint32_t channels);

// A sample, linear, 16 bits. Requires IsG711.
int16_t DecodeG711(Codec codec, uint8_t sample);

}  // namespace penstock::fragmenter
