// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::fragmenter {

struct AacConfig {
  uint32_t object_type = 0;  // of the core: 2 = AAC-LC
  uint32_t sample_rate = 0;  // of the core coder: what frame_samples counts
  uint32_t channels = 0;     // 0: described by a program config element in the stream
  uint32_t output_sample_rate =
      0;  // twice the core's where SBR is signalled explicitly, else the same
  uint32_t signalled_type =
      0;  // 5 = SBR (HE-AAC), 29 = PS (HE-AACv2), else object_type: the number in "mp4a.40.N"
  size_t config_bits =
      0;  // of the configuration itself; 0 where its end cannot be told without more parsing
  uint32_t frame_samples = 1024;  // of the core coder per access unit: 1024 or 960
};

// kProtocol: cut short; kUnsupported: an object type that is not AAC (or the 24-bit sample-rate
// escape with 0).
Result<AacConfig> ParseAudioSpecificConfig(ByteSpan bytes);

// The configuration alone, without what may follow it in `bytes`, its last byte filled with zeros.
// Requires config.config_bits > 0.
Bytes CutAudioSpecificConfig(ByteSpan bytes, const AacConfig& config);

}  // namespace penstock::fragmenter
