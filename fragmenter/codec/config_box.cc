#include "fragmenter/codec/config_box.h"

#include "base/byte_io.h"
#include "fragmenter/codec/bit_reader.h"
#include "fragmenter/codec/nal.h"

namespace penstock::fragmenter {
namespace {

Result<VideoFormat> ParseAvcC(ByteSpan box) {
  ByteReader in(box);
  const uint8_t version = in.Be<uint8_t>();
  in.Skip(4);
  const uint8_t sps_count = in.Be<uint8_t>() & 0x1f;
  const ByteSpan sps = in.Raw(in.Be<uint16_t>());
  if (!in.ok() || version != 1 || sps_count == 0)
    return Error(ErrorCode::kProtocol, "avcC without an SPS");
  return ParseH264Sps(sps);
}

Result<VideoFormat> ParseHvcC(ByteSpan box) {
  ByteReader in(box);
  in.Skip(22);
  const uint8_t arrays = in.Be<uint8_t>();
  for (int i = 0; i < arrays && in.ok(); ++i) {
    const uint8_t type = in.Be<uint8_t>() & 0x3f;
    const uint16_t count = in.Be<uint16_t>();
    for (int j = 0; j < count && in.ok(); ++j) {
      const ByteSpan nal = in.Raw(in.Be<uint16_t>());
      if (in.ok() && type == 33) return ParseH265Sps(nal);
    }
  }
  return Error(ErrorCode::kProtocol, "hvcC without an SPS");
}

// H.264 7.3.3: a slice begins with its first macroblock and its type.
bool IsIntraSlice(ByteSpan nal) {
  BitReader bits(nal.subspan(1));
  bits.Ue();
  const uint32_t type = bits.Ue() % 5;
  return bits.ok() && (type == 2 || type == 4);
}

// H.264 7.3.2.3: messages, each with its type and size as sums of bytes, all but the last 255.
bool HasRecoveryPoint(ByteSpan sei) {
  constexpr size_t kRecoveryPoint = 6;
  ByteReader in(sei.subspan(1));
  const auto sum = [&in] {
    size_t value = 0;
    uint8_t byte = 0;
    do {
      byte = in.Be<uint8_t>();
      value += byte;
    } while (byte == 0xff && in.ok());
    return value;
  };
  // What is left at the end is the stop bit.
  while (in.ok() && in.left() > 1) {
    const size_t type = sum();
    const size_t size = sum();
    if (in.ok() && type == kRecoveryPoint) return true;
    in.Skip(size);
  }
  return false;
}

}  // namespace

Result<VideoFormat> ParseVideoFormat(Codec codec, ByteSpan codec_private) {
  switch (codec) {
    case Codec::kH264:
      return ParseAvcC(codec_private);
    case Codec::kH265:
      return ParseHvcC(codec_private);
    default:
      break;
  }
  return Error(ErrorCode::kInvalidArgument, "not a video codec");
}

bool IsClosedEntryPoint(Codec codec, ByteSpan unit) {
  while (const std::optional<ByteSpan> nal = TakeNal(unit)) {
    if (nal->empty()) continue;
    const uint8_t head = (*nal)[0];
    if (codec == Codec::kH264) {
      const int type = head & 0x1f;
      if (type == 5) return true;
      if (type == 1) return false;
    } else {
      // IDR_W_RADL (19) and BLA with leading pictures (16, 17) allow pictures that are shown before
      // them.
      const int type = head >> 1 & 0x3f;
      if (type == 18 || type == 20) return true;
      if (type < 32) return false;
    }
  }
  return false;
}

bool IsH264EntryPoint(ByteSpan unit) {
  bool intra = false;
  while (const std::optional<ByteSpan> nal = TakeNal(unit)) {
    if (nal->empty()) continue;
    const int type = (*nal)[0] & 0x1f;
    if (type == 5) return true;
    if (type == 6 && HasRecoveryPoint(*nal)) return true;
    if (type == 1 || type == 2) {
      if (!IsIntraSlice(*nal)) return false;
      intra = true;
    }
  }
  return intra;
}

}  // namespace penstock::fragmenter
