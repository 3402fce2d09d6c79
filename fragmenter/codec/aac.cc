#include "fragmenter/codec/aac.h"

#include <string>

#include "fragmenter/codec/bit_reader.h"

namespace penstock::fragmenter {
namespace {

constexpr uint32_t kSbr = 5;
constexpr uint32_t kPs = 29;
constexpr uint32_t kRates[] = {96'000, 88'200, 64'000, 48'000, 44'100, 32'000, 24'000,
                               22'050, 16'000, 12'000, 11'025, 8'000,  7'350};

uint32_t ReadObjectType(BitReader& bits) {
  const uint32_t type = bits.Bits(5);
  return type == 31 ? 32 + bits.Bits(6) : type;
}

uint32_t ReadSampleRate(BitReader& bits) {
  const uint32_t index = bits.Bits(4);
  if (index == 15) return bits.Bits(24);
  return index < std::size(kRates) ? kRates[index] : 0;
}

// The types that use GASpecificConfig and whose access units are raw_data_blocks.
bool IsGeneralAudio(uint32_t type) {
  return (type >= 1 && type <= 4) || type == 6 || type == 7 || type == 17 ||
         (type >= 19 && type <= 23);
}

}  // namespace

Result<AacConfig> ParseAudioSpecificConfig(ByteSpan bytes) {
  BitReader bits(bytes);
  AacConfig config;
  config.signalled_type = config.object_type = ReadObjectType(bits);
  config.output_sample_rate = config.sample_rate = ReadSampleRate(bits);
  const uint32_t channel_configuration = bits.Bits(4);
  if (config.object_type == kSbr || config.object_type == kPs) {
    // Explicit hierarchical signalling: the extension comes first, then the core.
    config.output_sample_rate = ReadSampleRate(bits);
    config.object_type = ReadObjectType(bits);
    if (config.object_type == 22) bits.Skip(4);
  }
  if (bits.ok() && !IsGeneralAudio(config.object_type)) {
    return Error(ErrorCode::kUnsupported,
                 "MPEG-4 audio object type " + std::to_string(config.object_type));
  }
  if (bits.Bit()) config.frame_samples = 960;  // frameLengthFlag
  const bool depends_on_core = bits.Bit();
  if (depends_on_core) bits.Skip(14);
  const bool extension_flag = bits.Bit();
  if (!bits.ok()) return Error(ErrorCode::kProtocol, "AudioSpecificConfig is cut short");
  if (config.sample_rate == 0 || config.output_sample_rate == 0) {
    return Error(ErrorCode::kUnsupported, "AudioSpecificConfig without a sample rate");
  }
  if (channel_configuration > 7)
    return Error(ErrorCode::kUnsupported, "AAC channel configuration above 7");
  config.channels = channel_configuration == 7 ? 8 : channel_configuration;

  // What lies between here and the end (a program config element, an error-resilient extension) has
  // a length of its own.
  if (channel_configuration == 0 || extension_flag) return config;
  config.config_bits = bytes.size() * 8 - bits.left();

  // Backward compatible signalling: the core first, then 0x2b7 and the extension.
  if (config.signalled_type != 2 || bits.left() < 16) return config;
  if (bits.Bits(11) != 0x2b7 || ReadObjectType(bits) != kSbr) return config;
  if (bits.Bit()) {
    const uint32_t rate = ReadSampleRate(bits);
    if (!bits.ok() || rate == 0) return config;
    config.output_sample_rate = rate;
    config.signalled_type = kSbr;
  }
  if (bits.ok()) config.config_bits = bytes.size() * 8 - bits.left();
  if (config.signalled_type == kSbr && bits.left() >= 12 && bits.Bits(11) == 0x548) {
    if (bits.Bit()) config.signalled_type = kPs;
    config.config_bits = bytes.size() * 8 - bits.left();
  }
  return config;
}

Bytes CutAudioSpecificConfig(ByteSpan bytes, const AacConfig& config) {
  CHECK(config.config_bits > 0);
  const size_t size = (config.config_bits + 7) / 8;
  CHECK(size <= bytes.size());
  std::vector<uint8_t> out(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  if (config.config_bits % 8 != 0)
    out.back() &= static_cast<uint8_t>(0xff << (8 - config.config_bits % 8));
  return Bytes::From(std::move(out));
}

}  // namespace penstock::fragmenter
