// H.264 sequence parameter sets (ITU-T H.264, 7.3.2.1.1 and Annex E).
#include <algorithm>

#include "fragmenter/codec/bit_reader.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"

namespace penstock::fragmenter {
namespace {

// Far above any level's limits (5.2: 139,264 macroblocks); keeps the arithmetic small.
constexpr uint32_t kSideMax = 65'535;

bool HasChromaFormat(uint32_t profile) {
  constexpr uint32_t kHigh[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
  return std::ranges::find(kHigh, profile) != std::end(kHigh);
}

void SkipScalingList(BitReader& bits, int size) {
  int32_t last = 8;
  int32_t next = 8;
  for (int i = 0; i < size && bits.ok(); ++i) {
    if (next != 0)
      next = static_cast<int32_t>(
          (uint32_t{256} + static_cast<uint32_t>(last) + static_cast<uint32_t>(bits.Se())) & 255);
    if (next != 0) last = next;
  }
}

// Returns what cropping counts by: chroma_format_idc, 0 where the chroma planes are coded
// separately.
uint32_t ReadChromaAndScaling(BitReader& bits, VideoFormat& format) {
  uint32_t chroma = bits.Ue();
  format.chroma_format = chroma;
  int lists = 8;
  if (chroma == 3) {
    lists = 12;
    if (bits.Bit()) chroma = 0;
  }
  format.luma_bits = 8 + bits.Ue();
  format.chroma_bits = 8 + bits.Ue();
  bits.Bit();
  if (bits.Bit()) {
    for (int i = 0; i < lists && bits.ok(); ++i) {
      if (bits.Bit()) SkipScalingList(bits, i < 6 ? 16 : 64);
    }
  }
  return chroma;
}

// Returns pic_order_cnt_type.
uint32_t SkipPictureOrder(BitReader& bits) {
  const uint32_t type = bits.Ue();
  if (type == 0) bits.Ue();
  if (type == 1) {
    bits.Bit();
    bits.Se();
    bits.Se();
    const uint32_t cycle = bits.Ue();
    for (uint32_t i = 0; i < cycle && i < 256 && bits.ok(); ++i) bits.Se();
  }
  return type;
}

void SkipHrd(BitReader& bits) {
  const uint32_t count = bits.Ue();
  bits.Skip(8);
  for (uint32_t i = 0; i <= count && i < 32 && bits.ok(); ++i) {
    bits.Ue();
    bits.Ue();
    bits.Bit();
  }
  bits.Skip(20);
}

// max_num_reorder_frames, if the VUI says it.
std::optional<uint32_t> ReadVuiReorder(BitReader& bits) {
  if (bits.Bit() && bits.Bits(8) == 255) bits.Skip(32);  // aspect ratio
  if (bits.Bit()) bits.Bit();                            // overscan
  if (bits.Bit()) {                                      // video signal type
    bits.Skip(4);
    if (bits.Bit()) bits.Skip(24);
  }
  if (bits.Bit()) {  // chroma location
    bits.Ue();
    bits.Ue();
  }
  if (bits.Bit()) bits.Skip(65);  // timing
  const bool nal_hrd = bits.Bit();
  if (nal_hrd) SkipHrd(bits);
  const bool vcl_hrd = bits.Bit();
  if (vcl_hrd) SkipHrd(bits);
  if (nal_hrd || vcl_hrd) bits.Bit();
  bits.Bit();
  if (!bits.Bit()) return std::nullopt;
  bits.Bit();
  for (int i = 0; i < 4; ++i) bits.Ue();
  const uint32_t reorder = bits.Ue();
  if (!bits.ok() || reorder > kReorderDepthMax) return std::nullopt;
  return reorder;
}

}  // namespace

Result<VideoFormat> ParseH264Sps(ByteSpan nal) {
  if (nal.empty() || (nal[0] & 0x1f) != 7) return Error(ErrorCode::kProtocol, "not an H.264 SPS");
  const std::vector<uint8_t> raw = RemoveEmulationPrevention(nal.subspan(1));
  BitReader bits(raw);
  const uint32_t profile = bits.Bits(8);
  const uint32_t constraints = bits.Bits(8);
  bits.Skip(8);
  bits.Ue();
  VideoFormat format;
  const uint32_t chroma = HasChromaFormat(profile) ? ReadChromaAndScaling(bits, format) : 1;
  bits.Ue();  // frame number length
  const uint32_t picture_order = SkipPictureOrder(bits);
  bits.Ue();  // reference frames
  bits.Bit();
  const uint32_t width_mbs = bits.Ue() + 1;
  const uint32_t height_units = bits.Ue() + 1;
  const bool frames_only = bits.Bit();
  if (!frames_only) bits.Bit();
  bits.Bit();
  if (width_mbs > kSideMax / 16 || height_units > kSideMax / 32)
    return Error(ErrorCode::kProtocol, "H.264 SPS: picture too large");

  format.width = width_mbs * 16;
  format.height = height_units * (frames_only ? 16 : 32);
  if (bits.Bit()) {
    const uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    const uint64_t unit_y = (chroma == 1 ? 2 : 1) * (frames_only ? 1 : 2);
    const uint64_t crop_x = (uint64_t{bits.Ue()} + bits.Ue()) * unit_x;
    const uint64_t crop_y = (uint64_t{bits.Ue()} + bits.Ue()) * unit_y;
    if (crop_x >= format.width || crop_y >= format.height)
      return Error(ErrorCode::kProtocol, "H.264 SPS: nothing left after cropping");
    format.width -= static_cast<uint32_t>(crop_x);
    format.height -= static_cast<uint32_t>(crop_y);
  }
  const bool has_vui = bits.Bit();
  if (!bits.ok()) return Error(ErrorCode::kProtocol, "H.264 SPS is cut short");

  // A VUI that is cut short says nothing, but does not make the rest wrong.
  if (has_vui) format.reorder_depth = ReadVuiReorder(bits);
  const bool intra_only =
      (constraints & 0x10) != 0 && HasChromaFormat(profile) && profile != 118 && profile != 128;
  if (profile == 66 || picture_order == 2 || intra_only) format.reorder_depth = 0;
  return format;
}

}  // namespace penstock::fragmenter
