// What precedes the clusters of a Matroska document (docs/format-media.md).
#include "fragmenter/codec/aac.h"
#include "fragmenter/ebml/ids.h"
#include "fragmenter/media.h"
#include "fragmenter/mkv/element_writer.h"

namespace penstock::fragmenter {
namespace {

using mkv::ElementWriter;

// What a decoder wants to hear before it is right (RFC 7845, 4.6).
constexpr uint64_t kOpusPreRollNs = 80'000'000;

std::string_view MkvCodecId(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return "V_MPEG4/ISO/AVC";
    case Codec::kH265:
      return "V_MPEGH/ISO/HEVC";
    case Codec::kAac:
      return "A_AAC";
    case Codec::kOpus:
      return "A_OPUS";
    case Codec::kPcmu:
    case Codec::kPcma:
      return "A_MS/ACM";
  }
  return {};
}

ElementWriter EbmlHeader() {
  ElementWriter out;
  out.Uint(ebml::kEbmlVersion, 1);
  out.Uint(ebml::kEbmlReadVersion, 1);
  out.Uint(ebml::kEbmlMaxIdLength, 4);
  out.Uint(ebml::kEbmlMaxSizeLength, 8);
  out.Text(ebml::kDocType, "matroska");
  out.Uint(ebml::kDocTypeVersion, 4);
  out.Uint(ebml::kDocTypeReadVersion, 2);
  return out;
}

// No date, no random UID: equal track sets give equal bytes.
ElementWriter Info() {
  ElementWriter out;
  out.Uint(ebml::kTimestampScale, 1'000'000);
  out.Text(ebml::kMuxingApp, "Penstock");
  out.Text(ebml::kWritingApp, "Penstock");
  return out;
}

ElementWriter Video(const TrackConfig& track) {
  ElementWriter out;
  out.Uint(ebml::kPixelWidth, track.width);
  out.Uint(ebml::kPixelHeight, track.height);
  return out;
}

ElementWriter Audio(const TrackConfig& track, const Result<AacConfig>& config) {
  ElementWriter out;
  out.Float(ebml::kSamplingFrequency, config.ok() ? config->sample_rate : track.sample_rate);
  if (config.ok() && config->output_sample_rate != config->sample_rate) {
    out.Float(ebml::kOutputSamplingFrequency, config->output_sample_rate);
  }
  out.Uint(ebml::kChannels, track.channels);
  return out;
}

ElementWriter TrackEntry(const TrackConfig& track) {
  const bool video = IsVideo(track.codec);
  ElementWriter out;
  out.Uint(ebml::kTrackNumber, track.number);
  out.Uint(ebml::kTrackUid, track.number);
  out.Uint(ebml::kTrackType, video ? 1 : 2);
  out.Uint(ebml::kFlagLacing, 0);
  out.Text(ebml::kLanguage, "und");
  out.Text(ebml::kCodecId, MkvCodecId(track.codec));
  if (!track.codec_private.empty()) out.Binary(ebml::kCodecPrivate, track.codec_private);
  if (video) {
    // No DefaultDuration: a camera's frame rate is what it does, not what it says.
    out.Master(ebml::kVideo, Video(track));
    return out;
  }
  if (track.codec == Codec::kOpus) out.Uint(ebml::kSeekPreRoll, kOpusPreRollNs);
  const Result<AacConfig> config = track.codec == Codec::kAac
                                       ? ParseAudioSpecificConfig(track.codec_private)
                                       : Error(ErrorCode::kUnsupported, "not AAC");
  if (config.ok()) {
    out.Uint(ebml::kDefaultDuration,
             (uint64_t{config->frame_samples} * 1'000'000'000 + config->sample_rate / 2) /
                 config->sample_rate);
  }
  out.Master(ebml::kAudio, Audio(track, config));
  return out;
}

}  // namespace

Bytes EncodeMkvStart() {
  ElementWriter out;
  out.Master(ebml::kEbml, EbmlHeader());
  out.OpenEnded(ebml::kSegment);
  return out.Take();
}

Bytes EncodeMkvHeader(const TrackSet& set) {
  ElementWriter tracks;
  for (const TrackConfig& track : set.tracks) tracks.Master(ebml::kTrackEntry, TrackEntry(track));
  ElementWriter out;
  out.Master(ebml::kEbml, EbmlHeader());
  out.OpenEnded(ebml::kSegment);
  out.Master(ebml::kInfo, Info());
  out.Master(ebml::kTracks, tracks);
  return out.Take();
}

}  // namespace penstock::fragmenter
