// The making of avcC and hvcC (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1).
#include <algorithm>

#include "base/byte_io.h"
#include "base/check.h"
#include "base/limits.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"
#include "fragmenter/codec/parameter_sets.h"

namespace penstock::fragmenter {
namespace {

using Units = std::vector<ByteSpan>;

// The profiles whose avcC says how colours are stored.
constexpr uint8_t kExtended[] = {100, 110, 122, 144, 244, 44};
// Of general_profile_space to general_level_idc (H.265, 7.3.3).
constexpr size_t kProfileBytes = 12;

Error Refused(const char* what) { return Error(ErrorCode::kProtocol, what); }

Units OfType(Codec codec, const Units& units, int type) {
  Units out;
  std::ranges::copy_if(units, std::back_inserter(out), [&](ByteSpan unit) {
    return !unit.empty() && NalType(codec, unit[0]) == type;
  });
  return out;
}

void Write(ByteWriter& out, const Units& units) {
  for (const ByteSpan unit : units) {
    out.Be(static_cast<uint16_t>(unit.size()));
    out.Raw(unit);
  }
}

// A byte whose upper bits are reserved, and 1.
uint8_t Padded(uint32_t value, int bits) {
  return static_cast<uint8_t>((0xffu << bits & 0xffu) | (value & ((1u << bits) - 1)));
}

Result<Bytes> MakeAvcC(const Units& units) {
  const Units sps = OfType(Codec::kH264, units, 7);
  const Units pps = OfType(Codec::kH264, units, 8);
  const Units extensions = OfType(Codec::kH264, units, 13);
  if (sps.empty() || pps.empty()) return Refused("no SPS, or no PPS");
  if (sps.size() > 31 || pps.size() > 255 || extensions.size() > 255)
    return Refused("too many parameter sets");
  PS_TRY(const VideoFormat format, ParseH264Sps(sps[0]));
  ByteWriter out;
  out.Be<uint8_t>(1);
  out.Raw(sps[0].subspan(1, 3));  // profile, constraints, level
  out.Be(Padded(3, 2));
  out.Be(Padded(static_cast<uint32_t>(sps.size()), 5));
  Write(out, sps);
  out.Be(static_cast<uint8_t>(pps.size()));
  Write(out, pps);
  if (std::ranges::find(kExtended, sps[0][1]) != std::end(kExtended)) {
    out.Be(Padded(format.chroma_format, 2));
    out.Be(Padded(format.luma_bits - 8, 3));
    out.Be(Padded(format.chroma_bits - 8, 3));
    out.Be(static_cast<uint8_t>(extensions.size()));
    Write(out, extensions);
  }
  return out.Take();
}

Result<Bytes> MakeHvcC(const Units& units) {
  constexpr int kKinds[] = {32, 33, 34};  // VPS, SPS, PPS
  for (const int type : kKinds) {
    const size_t count = OfType(Codec::kH265, units, type).size();
    if (count == 0) return Refused("no VPS, no SPS, or no PPS");
    if (count > 64) return Refused("too many parameter sets");
  }
  const ByteSpan sps = OfType(Codec::kH265, units, 33)[0];
  PS_TRY(const VideoFormat format, ParseH265Sps(sps));
  const std::vector<uint8_t> raw = RemoveEmulationPrevention(sps.subspan(2));
  CHECK(raw.size() > kProfileBytes);
  const uint8_t layers = (raw[0] >> 1 & 7u) + 1;
  const uint8_t nested = raw[0] & 1u;
  ByteWriter out;
  out.Be<uint8_t>(1);
  out.Raw(ByteSpan(raw).subspan(1, kProfileBytes));
  out.Be<uint16_t>(0xf000);  // segments of a picture: not said
  out.Be(Padded(0, 2));      // how it may be decoded in parallel: not said
  out.Be(Padded(format.chroma_format, 2));
  out.Be(Padded(format.luma_bits - 8, 3));
  out.Be(Padded(format.chroma_bits - 8, 3));
  out.Be<uint16_t>(0);  // frame rate: not said
  out.Be(static_cast<uint8_t>(layers << 3 | nested << 2 | 3));
  out.Be(static_cast<uint8_t>(std::size(kKinds)));
  for (const int type : kKinds) {
    const Units of_type = OfType(Codec::kH265, units, type);
    out.Be(static_cast<uint8_t>(0x80 | type));
    out.Be(static_cast<uint16_t>(of_type.size()));
    Write(out, of_type);
  }
  return out.Take();
}

}  // namespace

Result<Bytes> MakeConfigBox(Codec codec, const Units& units) {
  CHECK(IsVideo(codec));
  size_t bytes = 0;
  for (const ByteSpan unit : units) bytes += unit.size();
  // All of them together: below what one length can say, too.
  if (bytes > limits::kCodecPrivateBytesMax / 2)
    return Refused("parameter sets that are too large");
  return codec == Codec::kH264 ? MakeAvcC(units) : MakeHvcC(units);
}

Bytes WithFourByteLengths(Codec codec, Bytes box) {
  const size_t at = codec == Codec::kH264 ? 4 : 21;
  CHECK(at < box.size());
  if ((box.span()[at] & 3) == 3) return box;
  std::vector<uint8_t> out(box.span().begin(), box.span().end());
  out[at] |= 3;
  return Bytes::From(std::move(out));
}

}  // namespace penstock::fragmenter
