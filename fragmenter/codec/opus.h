// Opus: what a decoder must know, and how long a packet sounds (RFC 6716, 3.1; RFC 7845, 5.1).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::fragmenter {

// Whatever was encoded, time counts at this rate.
inline constexpr uint32_t kOpusRate = 48'000;

struct OpusHead {
  uint8_t channels = 1;
  uint16_t pre_skip = 0;            // samples at 48 kHz to be dropped at the beginning
  uint32_t input_rate = kOpusRate;  // Hz, of what was encoded; for information only
  int16_t gain = 0;                 // dB / 256
};

// An identification header with channel mapping family 0. Requires one or two channels.
Bytes MakeOpusHead(const OpusHead& head);
// kProtocol: cut short or none; kUnsupported: another mapping family than 0.
Result<OpusHead> ParseOpusHead(ByteSpan bytes);

// How long a packet sounds, samples at 48 kHz; 0 for one that cannot be: empty, cut short, without
// a frame or longer than 120 ms.
uint32_t OpusPacketSamples(ByteSpan packet);
// Requires a packet that is not empty.
bool IsOpusStereo(ByteSpan packet);

}  // namespace penstock::fragmenter
