#include "fragmenter/media.h"

#include <algorithm>

#include "fragmenter/codec/codec_string.h"

namespace penstock::fragmenter {

std::string_view CodecName(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return "H.264";
    case Codec::kH265:
      return "H.265";
    case Codec::kAac:
      return "AAC";
    case Codec::kOpus:
      return "Opus";
    case Codec::kPcmu:
      return "G.711 (PCMU)";
    case Codec::kPcma:
      return "G.711 (PCMA)";
  }
  return "unknown codec";
}

bool IsVideo(Codec codec) { return codec == Codec::kH264 || codec == Codec::kH265; }

std::string TrackConfig::CodecString() const { return MakeCodecString(codec, codec_private); }

bool operator==(const TrackConfig& a, const TrackConfig& b) {
  return a.number == b.number && a.codec == b.codec && a.clock_rate == b.clock_rate &&
         a.width == b.width && a.height == b.height && a.sample_rate == b.sample_rate &&
         a.channels == b.channels && a.byte_stream == b.byte_stream &&
         std::ranges::equal(a.codec_private.span(), b.codec_private.span());
}

const TrackConfig* TrackSet::Find(uint32_t number) const {
  for (const TrackConfig& track : tracks) {
    if (track.number == number) return &track;
  }
  return nullptr;
}

}  // namespace penstock::fragmenter
