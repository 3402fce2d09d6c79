#include "playback/audio/g711_as_aac.h"

#include <algorithm>

#include "fragmenter/codec/g711.h"
#include "playback/audio/aac_encoder.h"

namespace penstock::playback {
namespace {

using fragmenter::Codec;
using fragmenter::Frame;
using fragmenter::FrameTable;
using fragmenter::IsG711;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;

constexpr int64_t kUnit = AacEncoder::kUnitSamples;
// Units that are encoded and not used: the encoder and what it knows of the past settle in them.
constexpr int64_t kPreroll = 3;
// Silence between two packets that is served as such; beyond it the sound goes on later. A fragment
// is shorter.
constexpr int64_t kSilenceSecondsMax = 30;

int64_t FloorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Where the track's frames of a fragment begin and end.
std::optional<SampleSpan> ReachOf(const TrackConfig& track, const FrameTable& table) {
  std::optional<SampleSpan> reach;
  for (const Frame& frame : table.frames) {
    if (frame.track != track.number) continue;
    const int64_t end = frame.dts + int64_t{frame.size} / track.channels;
    if (!reach) reach = SampleSpan{frame.dts, end};
    reach->end = std::max(reach->end, end);
  }
  return reach;
}

// Linear samples of a stretch of the run; silence where nothing came.
class Stretch {
 public:
  Stretch(const TrackConfig& track, int64_t begin, int64_t end)
      : track_(track), begin_(begin), samples_(static_cast<size_t>(end - begin) * track.channels) {}

  Status Fill(const StoredMedia& media) {
    for (const Frame& frame : media.table.frames) {
      if (frame.track != track_.number) continue;
      if (uint64_t{frame.offset} + frame.size > media.cluster.size())
        return Error(ErrorCode::kCorruption, "a frame ends after its cluster");
      Put(frame.dts, media.cluster.Slice(frame.offset, frame.size).Flatten());
    }
    return {};
  }

  // Requires that it lies within.
  std::span<const int16_t> Unit(int64_t at) const {
    return std::span(samples_).subspan(static_cast<size_t>(at - begin_) * track_.channels,
                                       size_t{kUnit} * track_.channels);
  }

 private:
  void Put(int64_t at, ByteSpan bytes) {
    const int64_t first = (at - begin_) * track_.channels;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const int64_t place = first + static_cast<int64_t>(i);
      if (place < 0 || place >= static_cast<int64_t>(samples_.size())) continue;
      samples_[static_cast<size_t>(place)] = fragmenter::DecodeG711(track_.codec, bytes[i]);
    }
  }

  const TrackConfig& track_;
  const int64_t begin_;
  std::vector<int16_t> samples_;
};

Result<MadeTrack> Transcode(const TrackConfig& track, const std::optional<StoredMedia>& before,
                            const StoredMedia& fragment) {
  MadeTrack made;
  made.track = track.number;
  const std::optional<SampleSpan> now = ReachOf(track, fragment.table);
  if (!now) return made;
  const std::optional<SampleSpan> past = before ? ReachOf(track, before->table) : std::nullopt;
  const auto units = UnitsReadyWith(track, past, *now);
  if (!units) return made;
  const int64_t first = units->begin / kUnit;
  const int64_t last = units->end / kUnit - 1;

  PS_TRY(const auto encoder, AacEncoder::Make(track.sample_rate, track.channels));
  const auto input_of = [](int64_t unit) { return unit * kUnit + AacEncoder::kDelaySamples; };
  Stretch sound(track, input_of(first - kPreroll), input_of(last + 1));
  if (before) PS_TRY_VOID(sound.Fill(*before));
  PS_TRY_VOID(sound.Fill(fragment));
  for (int64_t unit = first - kPreroll; unit <= last; ++unit) {
    PS_TRY(Bytes coded, encoder->Encode(sound.Unit(input_of(unit))));
    if (unit < first) continue;
    made.frames.push_back(Frame{.track = track.number,
                                .key = true,
                                .offset = static_cast<uint32_t>(made.bytes.size()),
                                .size = static_cast<uint32_t>(coded.size()),
                                .dts = unit * kUnit,
                                .duration = static_cast<uint32_t>(kUnit)});
    made.bytes.Append(std::move(coded));
  }
  return made;
}

}  // namespace

std::optional<SampleSpan> UnitsReadyWith(const TrackConfig& track,
                                         const std::optional<SampleSpan>& past,
                                         const SampleSpan& now) {
  // A unit comes with the fragment that brings the last sample its encoding needs.
  const int64_t needs = kUnit + AacEncoder::kDelaySamples;
  const int64_t known = std::max(past ? std::min(past->end, now.end) : now.begin,
                                 now.end - kSilenceSecondsMax * track.sample_rate);
  const int64_t first = std::max<int64_t>(FloorDiv(known - needs, kUnit) + 1, 0);
  const int64_t last = FloorDiv(now.end - needs, kUnit);
  if (last < first) return std::nullopt;
  return SampleSpan{first * kUnit, (last + 1) * kUnit};
}

bool HasG711(const TrackSet& stored) {
  return std::ranges::any_of(stored.tracks,
                             [](const TrackConfig& track) { return IsG711(track.codec); });
}

TrackSet ServedTracks(const TrackSet& stored) {
  TrackSet served;
  for (const TrackConfig& track : stored.tracks) {
    if (!IsG711(track.codec)) {
      served.tracks.push_back(track);
      served.tracks.back().byte_stream = false;
      continue;
    }
    auto config = AacEncoder::Config(track.sample_rate, track.channels);
    if (!config.ok() || track.clock_rate != track.sample_rate) continue;
    TrackConfig aac = track;
    aac.codec = Codec::kAac;
    aac.codec_private = std::move(*config);
    served.tracks.push_back(std::move(aac));
  }
  return served;
}

Result<std::vector<MadeTrack>> TranscodeG711(const TrackSet& stored,
                                             const std::optional<StoredMedia>& before,
                                             const StoredMedia& fragment) {
  std::vector<MadeTrack> out;
  for (const TrackConfig& track : stored.tracks) {
    if (!IsG711(track.codec)) continue;
    if (ServedTracks({{track}}).tracks.empty()) {
      out.push_back(MadeTrack{.track = track.number, .frames = {}, .bytes = {}});
      continue;
    }
    PS_TRY(MadeTrack made, Transcode(track, before, fragment));
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace penstock::playback
