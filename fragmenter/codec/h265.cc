// H.265 sequence parameter sets (ITU-T H.265, 7.3.2.2), as far as we need them.
#include "fragmenter/codec/bit_reader.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"

namespace penstock::fragmenter {
namespace {

constexpr uint32_t kSideMax = 65'535;

void SkipProfileTierLevel(BitReader& bits, uint32_t sub_layers_below) {
  bits.Skip(96);
  bool profile_present[8] = {};
  bool level_present[8] = {};
  for (uint32_t i = 0; i < sub_layers_below; ++i) {
    profile_present[i] = bits.Bit();
    level_present[i] = bits.Bit();
  }
  if (sub_layers_below > 0) bits.Skip(size_t{2} * (8 - sub_layers_below));
  for (uint32_t i = 0; i < sub_layers_below; ++i) {
    if (profile_present[i]) bits.Skip(88);
    if (level_present[i]) bits.Skip(8);
  }
}

}  // namespace

Result<VideoFormat> ParseH265Sps(ByteSpan nal) {
  if (nal.size() < 2 || (nal[0] >> 1 & 0x3f) != 33)
    return Error(ErrorCode::kProtocol, "not an H.265 SPS");
  const std::vector<uint8_t> raw = RemoveEmulationPrevention(nal.subspan(2));
  BitReader bits(raw);
  bits.Skip(4);
  const uint32_t sub_layers_below = bits.Bits(3);
  bits.Bit();
  if (sub_layers_below > 6) return Error(ErrorCode::kProtocol, "H.265 SPS: too many sub-layers");
  SkipProfileTierLevel(bits, sub_layers_below);
  bits.Ue();
  const uint32_t chroma = bits.Ue();
  const bool separate_planes = chroma == 3 && bits.Bit();

  VideoFormat format;
  format.chroma_format = chroma;
  format.width = bits.Ue();
  format.height = bits.Ue();
  if (format.width == 0 || format.width > kSideMax || format.height == 0 ||
      format.height > kSideMax) {
    return Error(ErrorCode::kProtocol, "H.265 SPS: impossible picture size");
  }
  if (bits.Bit()) {
    const uint64_t unit_x = (chroma == 1 || chroma == 2) && !separate_planes ? 2 : 1;
    const uint64_t unit_y = chroma == 1 ? 2 : 1;
    const uint64_t crop_x = (uint64_t{bits.Ue()} + bits.Ue()) * unit_x;
    const uint64_t crop_y = (uint64_t{bits.Ue()} + bits.Ue()) * unit_y;
    if (crop_x >= format.width || crop_y >= format.height)
      return Error(ErrorCode::kProtocol, "H.265 SPS: nothing left after cropping");
    format.width -= static_cast<uint32_t>(crop_x);
    format.height -= static_cast<uint32_t>(crop_y);
  }
  format.luma_bits = 8 + bits.Ue();
  format.chroma_bits = 8 + bits.Ue();
  bits.Ue();  // picture order count length
  // Sub-layers in ascending order; the last is the whole stream.
  const uint32_t first = bits.Bit() ? 0 : sub_layers_below;
  uint32_t reorder = 0;
  for (uint32_t i = first; i <= sub_layers_below; ++i) {
    bits.Ue();
    reorder = bits.Ue();
    bits.Ue();
  }
  if (!bits.ok()) return Error(ErrorCode::kProtocol, "H.265 SPS is cut short");
  if (reorder <= kReorderDepthMax) format.reorder_depth = reorder;
  return format;
}

}  // namespace penstock::fragmenter
