#include "fragmenter/codec/opus.h"

#include <algorithm>

#include "base/byte_io.h"
#include "base/check.h"

namespace penstock::fragmenter {
namespace {

constexpr std::string_view kMagic = "OpusHead";
constexpr uint32_t kPacketSamplesMax = kOpusRate * 120 / 1000;

// One frame of a configuration: 10 to 60 ms of SILK, 10 or 20 of both, 2.5 to 20 of CELT.
uint32_t FrameSamples(uint8_t configuration) {
  constexpr uint32_t kMs = kOpusRate / 1000;
  if (configuration < 12) {
    constexpr uint32_t kSilk[] = {10 * kMs, 20 * kMs, 40 * kMs, 60 * kMs};
    return kSilk[configuration % 4];
  }
  if (configuration < 16) return configuration % 2 == 0 ? 10 * kMs : 20 * kMs;
  return kMs * 5 / 2 << configuration % 4;
}

}  // namespace

Bytes MakeOpusHead(const OpusHead& head) {
  CHECK(head.channels == 1 || head.channels == 2);
  ByteWriter out;
  out.Text(kMagic);
  out.Le<uint8_t>(1);
  out.Le(head.channels);
  out.Le(head.pre_skip);
  out.Le(head.input_rate);
  out.Le(head.gain);
  out.Le<uint8_t>(0);
  return out.Take();
}

Result<OpusHead> ParseOpusHead(ByteSpan bytes) {
  ByteReader in(bytes);
  const ByteSpan magic = in.Raw(kMagic.size());
  const bool is_head = in.ok() && std::ranges::equal(magic, AsBytes(kMagic));
  const auto version = in.Le<uint8_t>();
  OpusHead head;
  head.channels = in.Le<uint8_t>();
  head.pre_skip = in.Le<uint16_t>();
  head.input_rate = in.Le<uint32_t>();
  head.gain = in.Le<int16_t>();
  const auto family = in.Le<uint8_t>();
  if (!is_head || !in.ok() || version >> 4 != 0)
    return Error(ErrorCode::kProtocol, "not an identification header of Opus");
  if (family != 0 || head.channels == 0 || head.channels > 2) {
    return Error(ErrorCode::kUnsupported, "Opus of more than two channels");
  }
  return head;
}

uint32_t OpusPacketSamples(ByteSpan packet) {
  if (packet.empty()) return 0;
  uint32_t frames = (packet[0] & 3) == 0 ? 1 : 2;
  if ((packet[0] & 3) == 3) {
    if (packet.size() < 2) return 0;
    frames = packet[1] & 0x3f;
  }
  const uint32_t samples = frames * FrameSamples(packet[0] >> 3);
  return samples <= kPacketSamplesMax ? samples : 0;
}

bool IsOpusStereo(ByteSpan packet) { return (packet[0] & 4) != 0; }

}  // namespace penstock::fragmenter
