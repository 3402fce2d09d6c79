#include "fragmenter/codec/codec_string.h"

#include <cstdio>

#include "base/byte_io.h"
#include "fragmenter/codec/aac.h"

namespace penstock::fragmenter {
namespace {

template <class... Args>
std::string Format(const char* format, Args... args) {
  char text[64];
  std::snprintf(text, sizeof text, format, args...);
  return text;
}

std::string AvcString(ByteSpan avcc) {
  if (avcc.size() < 4) return "avc1";
  return Format("avc1.%02x%02x%02x", unsigned{avcc[1]}, unsigned{avcc[2]}, unsigned{avcc[3]});
}

uint32_t ReverseBits(uint32_t value) {
  uint32_t out = 0;
  for (int i = 0; i < 32; ++i) out = out << 1 | (value >> i & 1u);
  return out;
}

std::string HevcString(ByteSpan hvcc) {
  if (hvcc.size() < 13) return "hvc1";
  ByteReader reader(hvcc.subspan(1));
  const uint8_t profile = reader.Be<uint8_t>();
  const auto compatibility = reader.Be<uint32_t>();
  const ByteSpan constraints = reader.Raw(6);
  const uint8_t level = reader.Be<uint8_t>();

  std::string out = "hvc1.";
  if (profile >> 6 != 0) out += static_cast<char>('A' + (profile >> 6) - 1);
  out += Format("%u.%x.%c%u", profile & 0x1fu, ReverseBits(compatibility),
                (profile & 0x20) != 0 ? 'H' : 'L', unsigned{level});
  size_t used = constraints.size();
  while (used > 0 && constraints[used - 1] == 0) --used;
  for (size_t i = 0; i < used; ++i) out += Format(".%x", unsigned{constraints[i]});
  return out;
}

std::string AacString(ByteSpan config) {
  const Result<AacConfig> parsed = ParseAudioSpecificConfig(config);
  return parsed.ok() ? Format("mp4a.40.%u", parsed->signalled_type) : "mp4a.40.2";
}

}  // namespace

std::string MakeCodecString(Codec codec, ByteSpan codec_private) {
  switch (codec) {
    case Codec::kH264:
      return AvcString(codec_private);
    case Codec::kH265:
      return HevcString(codec_private);
    case Codec::kAac:
      return AacString(codec_private);
    case Codec::kOpus:
      return "opus";
    case Codec::kPcmu:
      return "ulaw";
    case Codec::kPcma:
      return "alaw";
  }
  return {};
}

}  // namespace penstock::fragmenter
