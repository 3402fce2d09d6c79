#include "playback/ts/elementary.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "fragmenter/codec/aac.h"

namespace penstock::playback::ts {
namespace {

using fragmenter::Codec;
using fragmenter::Frame;
using fragmenter::TrackConfig;

constexpr uint8_t kStartCode[] = {0, 0, 0, 1};
// With their start codes. H.264: any kind of slice may follow (primary_pic_type 7); H.265: likewise
// (pic_type 2).
constexpr uint8_t kH264Delimiter[] = {0, 0, 0, 1, 0x09, 0xf0};
constexpr uint8_t kH265Delimiter[] = {0, 0, 0, 1, 0x46, 0x01, 0x50};

// ISO/IEC 14496-3, 1.6.3.4: a rate's place is its number.
constexpr uint32_t kRates[] = {96'000, 88'200, 64'000, 48'000, 44'100, 32'000, 24'000,
                               22'050, 16'000, 12'000, 11'025, 8'000,  7'350};
constexpr size_t kAdtsBytes = 7;
constexpr size_t kAdtsUnitBytesMax = (1u << 13) - 1;

}  // namespace

void Payload::Add(ByteSpan piece) {
  pieces.push_back(piece);
  bytes += piece.size();
}

void Payload::Add(const ChainView& chain, size_t offset, size_t size) {
  chain.Append(offset, size, pieces);
  bytes += size;
}

Result<PictureWrapper> PictureWrapper::Make(const TrackConfig& track) {
  PS_TRY(fragmenter::ParameterSets sets,
         fragmenter::ReadParameterSets(track.codec, track.codec_private));
  return PictureWrapper(track.codec, std::move(sets));
}

std::vector<PictureWrapper::Unit> PictureWrapper::Split(const ChainView& chain,
                                                        const Frame& frame) const {
  std::vector<Unit> units;
  size_t at = frame.offset;
  size_t left = frame.size;
  while (left > sets_.length_bytes) {
    size_t size = 0;
    for (size_t i = 0; i < sets_.length_bytes; ++i) size = size << 8 | chain.At(at + i);
    at += sets_.length_bytes;
    left -= sets_.length_bytes;
    if (size > left) break;
    if (size > 0) units.push_back({at, size});
    at += size;
    left -= size;
  }
  return units;
}

void PictureWrapper::Wrap(const ChainView& chain, const Frame& frame, Payload& out) const {
  const std::vector<Unit> units = Split(chain, frame);
  if (units.empty()) return;
  out.Add(codec_ == Codec::kH264 ? ByteSpan(kH264Delimiter) : ByteSpan(kH265Delimiter));
  // Of each kind that it does not bring along.
  const auto brings = [&](uint8_t head) {
    return std::ranges::any_of(units, [&](const Unit& unit) {
      return fragmenter::NalType(codec_, chain.At(unit.offset)) ==
             fragmenter::NalType(codec_, head);
    });
  };
  const bool complete =
      std::ranges::all_of(sets_.units, [&](ByteSpan set) { return brings(set[0]); });
  if (frame.key && !complete) {
    for (const ByteSpan set : sets_.units) {
      out.Add(kStartCode);
      out.Add(set);
    }
  }
  for (const Unit& unit : units) {
    if (fragmenter::IsAccessUnitDelimiter(codec_, chain.At(unit.offset))) continue;
    out.Add(kStartCode);
    out.Add(chain, unit.offset, unit.size);
  }
}

Result<SoundWrapper> SoundWrapper::Make(const TrackConfig& track) {
  const auto config = fragmenter::ParseAudioSpecificConfig(track.codec_private);
  if (!config.ok()) return Error(ErrorCode::kUnsupported, config.error().message());
  const auto rate = std::ranges::find(kRates, config->sample_rate);
  const bool fits = rate != std::end(kRates) && config->object_type >= 1 &&
                    config->object_type <= 4 && config->frame_samples == 1024 &&
                    config->channels != 0;
  if (!fits) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("track {}: MPEG-TS has no header for this kind of AAC", track.number));
  }
  SoundWrapper wrapper;
  wrapper.sample_rate_ = config->sample_rate;
  wrapper.profile_ = static_cast<uint8_t>(config->object_type - 1);
  wrapper.rate_index_ = static_cast<uint8_t>(rate - std::begin(kRates));
  wrapper.channels_ = static_cast<uint8_t>(config->channels == 8 ? 7 : config->channels);
  return wrapper;
}

bool SoundWrapper::Fits(const Frame& frame) {
  return frame.size > 0 && frame.size <= kAdtsUnitBytesMax - kAdtsBytes;
}

void SoundWrapper::Wrap(const ChainView& chain, const Frame& frame, Payload& out) const {
  const size_t bytes = frame.size + kAdtsBytes;
  CHECK(Fits(frame));
  out.heads.push_back({
      0xff,
      0xf1,  // MPEG-4, without a checksum
      static_cast<uint8_t>(profile_ << 6 | rate_index_ << 2 | channels_ >> 2),
      static_cast<uint8_t>((channels_ & 3) << 6 | bytes >> 11), static_cast<uint8_t>(bytes >> 3),
      static_cast<uint8_t>((bytes & 7) << 5 | 0x1f),  // the buffer's fullness: not said
      0xfc,                                           // one raw_data_block
  });
  out.Add(out.heads.back());
  out.Add(chain, frame.offset, frame.size);
}

}  // namespace penstock::playback::ts
