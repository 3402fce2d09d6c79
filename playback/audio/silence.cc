#include "playback/audio/silence.h"

#include "playback/audio/aac_encoder.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;

constexpr int64_t kUnit = AacEncoder::kUnitSamples;
// Until the encoder has settled; from then on silence is always coded alike.
constexpr int kSettled = 4;

// Whether a decoder that was set up for this track takes what the encoder makes. Behind the same
// two bytes may stand that there is no SBR (ISO/IEC 14496-3, 1.6.6.1), as ffmpeg writes it.
bool IsEncodersOwn(const TrackConfig& track) {
  if (track.codec != fragmenter::Codec::kAac || track.clock_rate != track.sample_rate) return false;
  const auto config = AacEncoder::Config(track.sample_rate, track.channels);
  if (!config.ok()) return false;
  const ByteSpan own = *config;
  const ByteSpan given = track.codec_private;
  if (given.size() < own.size() || !std::equal(own.begin(), own.end(), given.begin())) return false;
  const ByteSpan rest = given.subspan(own.size());
  if (rest.empty()) return true;
  return rest.size() == 3 && rest[0] == 0x56 && rest[1] == 0xe5 && rest[2] == 0;
}

int64_t UnitAt(int64_t ticks, uint32_t from_rate, uint32_t to_rate) {
  const int64_t samples = ticks * to_rate / from_rate;
  return (samples + kUnit - 1) / kUnit;
}

}  // namespace

std::optional<TrackSpan> SilentSpan(const TrackConfig& track, const TrackSet& tracks,
                                    const std::vector<TrackSpan>& spans) {
  const TrackSpan* const pictures = FindPictures(spans, tracks);
  if (pictures == nullptr || pictures->begin < 0 || !IsEncodersOwn(track)) return std::nullopt;
  const uint32_t rate = tracks.Find(pictures->track)->clock_rate;
  TrackSpan span{.track = track.number};
  span.begin = UnitAt(pictures->begin, rate, track.clock_rate) * kUnit;
  span.end = UnitAt(pictures->end, rate, track.clock_rate) * kUnit;
  if (span.begin >= span.end) return std::nullopt;
  return span;
}

Result<MadeTrack> MakeSilence(const TrackConfig& track, const TrackSpan& span) {
  PS_TRY(const auto encoder, AacEncoder::Make(track.sample_rate, track.channels));
  const std::vector<int16_t> nothing(size_t{kUnit} * track.channels);
  Bytes unit;
  for (int i = 0; i < kSettled; ++i) {
    PS_TRY(unit, encoder->Encode(nothing));
  }
  MadeTrack made;
  made.track = track.number;
  for (int64_t at = span.begin; at < span.end; at += kUnit) {
    made.frames.push_back(Frame{.track = track.number,
                                .key = true,
                                .offset = static_cast<uint32_t>(made.bytes.size()),
                                .size = static_cast<uint32_t>(unit.size()),
                                .dts = at,
                                .duration = static_cast<uint32_t>(kUnit)});
    made.bytes.Append(unit);
  }
  return made;
}

}  // namespace penstock::playback
