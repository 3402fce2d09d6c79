// What avcC and hvcC say (ISO/IEC 14496-15): the parameter sets, and through them the picture.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"

namespace penstock::fragmenter {

// A picture's shape and how far decoding order may run ahead of display order.
struct VideoFormat {
  uint32_t width = 0;  // after cropping
  uint32_t height = 0;
  // Pictures that may precede one in decoding order and follow it in output order. Not said: has to
  // be observed.
  std::optional<uint32_t> reorder_depth;
  uint32_t chroma_format = 1;  // chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
  uint32_t luma_bits = 8;
  uint32_t chroma_bits = 8;
};

// `nal` is one SPS with its NAL header and emulation prevention. kProtocol: not an SPS, or one that
// breaks its own rules.
Result<VideoFormat> ParseH264Sps(ByteSpan nal);
Result<VideoFormat> ParseH265Sps(ByteSpan nal);

// From codec_private: of the first SPS in it.
Result<VideoFormat> ParseVideoFormat(Codec codec, ByteSpan codec_private);

// Whether nothing after this access unit (4-byte length-prefixed NAL units) can be shown before it:
// IDR, or for H.265 also BLA. False for other random access points, whose leading pictures may be.
bool IsClosedEntryPoint(Codec codec, ByteSpan unit);

// Whether a decoder may begin with this H.264 access unit (4-byte length-prefixed NAL units): IDR,
// one that announces a recovery point, or nothing but I slices, as cameras without IDR send.
bool IsH264EntryPoint(ByteSpan unit);

}  // namespace penstock::fragmenter
