#include "fragmenter/upload/header.h"

#include <algorithm>
#include <cmath>

#include "base/byte_io.h"
#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/opus.h"
#include "fragmenter/ebml/ids.h"
#include "fragmenter/mkv/element_writer.h"
#include "fragmenter/upload/elements.h"
#include "fragmenter/upload/picture_form.h"

namespace penstock::fragmenter {
namespace {

constexpr uint64_t kScaleMax = 1'000'000'000;  // ns: whole seconds
constexpr uint32_t kTrackNumberMax = 0x7fffffff;
constexpr uint32_t kVideoClockRate = 90'000;
constexpr uint64_t kVideoType = 1;

Error Invalid(const char* what) { return Error(ErrorCode::kProtocol, what); }

uint32_t Small(uint64_t value) {
  return static_cast<uint32_t>(std::min<uint64_t>(value, kTrackNumberMax));
}

std::string TextOf(ByteSpan value) {
  const std::string_view text = AsText(value.first(std::min<size_t>(value.size(), 64)));
  std::string out;
  // It is shown to people: nothing but what a codec's id is made of.
  for (const char c : text.substr(0, text.find('\0'))) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

// What private data is missing or in another form may come with the pictures (picture_form.h).
bool DescribeVideo(Codec codec, TrackConfig& config) {
  config.codec = codec;
  config.clock_rate = kVideoClockRate;
  return true;
}

bool DescribeAac(TrackConfig& config, std::string& why_not) {
  const Result<AacConfig> aac = ParseAudioSpecificConfig(config.codec_private);
  if (!aac.ok() || aac->sample_rate == 0) {
    why_not = "its codec private data is no AudioSpecificConfig";
    return false;
  }
  config.codec = Codec::kAac;
  config.clock_rate = aac->sample_rate;
  config.sample_rate = aac->sample_rate;
  if (aac->channels != 0) config.channels = aac->channels;
  return true;
}

bool DescribeG711(TrackConfig& config, std::string& why_not) {
  // WAVEFORMATEX: format tag, channels, samples per second.
  ByteReader in(config.codec_private);
  const auto tag = in.Le<uint16_t>();
  const auto channels = in.Le<uint16_t>();
  const auto rate = in.Le<uint32_t>();
  if (!in.ok() || (tag != 6 && tag != 7) || channels == 0 || channels > 2 || rate == 0 ||
      rate > 192'000) {
    why_not = "its codec private data is no WAVEFORMATEX of G.711";
    return false;
  }
  config.codec = tag == 6 ? Codec::kPcma : Codec::kPcmu;
  config.clock_rate = rate;
  config.sample_rate = rate;
  config.channels = channels;
  return true;
}

bool DescribeOpus(TrackConfig& config, std::string& why_not) {
  const Result<OpusHead> head = ParseOpusHead(config.codec_private);
  if (!head.ok()) {
    why_not = "its codec private data is no Opus header that is known";
    return false;
  }
  config.codec = Codec::kOpus;
  config.clock_rate = kOpusRate;
  config.sample_rate = kOpusRate;
  config.channels = head->channels;
  return true;
}

}  // namespace

const UploadTrack* UploadHeader::Find(uint64_t number) const {
  const auto found = std::ranges::find_if(
      tracks, [number](const UploadTrack& track) { return track.number == number; });
  return found == tracks.end() ? nullptr : &*found;
}

void UploadHeaderReader::Take(const ebml::Event& event) {
  if (event.kind == ebml::Event::Kind::kOpen) {
    if (event.id == ebml::kTrackEntry) entries_.emplace_back();
    return;
  }
  if (event.kind != ebml::Event::Kind::kValue) return;
  if (event.id == ebml::kTimestampScale) scale_ns_ = event.Uint();
  if (entries_.empty()) return;
  Entry& entry = entries_.back();
  switch (event.id) {
    case ebml::kTrackNumber:
      entry.track.number = Small(event.Uint());
      break;
    case ebml::kTrackType:
      entry.type = event.Uint();
      break;
    case ebml::kCodecId:
      entry.track.codec_id = TextOf(event.value);
      break;
    case ebml::kCodecPrivate:
      entry.codec_private = Bytes::Copy(event.value);
      break;
    case ebml::kDefaultDuration:
      entry.track.default_duration_ns =
          static_cast<int64_t>(std::min<uint64_t>(event.Uint(), 10'000'000'000));
      break;
    case ebml::kPixelWidth:
      entry.width = Small(event.Uint());
      break;
    case ebml::kPixelHeight:
      entry.height = Small(event.Uint());
      break;
    case ebml::kSamplingFrequency:
      entry.rate = event.Float();
      break;
    case ebml::kChannels:
      entry.channels = Small(event.Uint());
      break;
    case ebml::kContentEncodings:
      entry.encoded = true;
      break;
    default:
      break;
  }
}

bool UploadHeaderReader::Describe(const Entry& entry, TrackConfig& config, std::string& why_not) {
  config.number = entry.track.number;
  config.codec_private = entry.codec_private;
  config.width = entry.width;
  config.height = entry.height;
  if (entry.type != kVideoType) {
    config.channels = entry.channels;
    config.sample_rate = entry.rate > 0 && entry.rate < 1e6 ? static_cast<uint32_t>(entry.rate) : 0;
  }
  if (entry.encoded) {
    why_not = "its frames are compressed or encrypted";
    return false;
  }
  if (entry.codec_private.size() > limits::kCodecPrivateBytesMax) {
    why_not = "its codec private data is too large";
    return false;
  }
  const std::string& id = entry.track.codec_id;
  if (id == "V_MPEG4/ISO/AVC") return DescribeVideo(Codec::kH264, config);
  if (id == "V_MPEGH/ISO/HEVC") return DescribeVideo(Codec::kH265, config);
  if (id == "A_AAC") return DescribeAac(config, why_not);
  if (id == "A_OPUS") return DescribeOpus(config, why_not);
  if (id == "A_MS/ACM") return DescribeG711(config, why_not);
  why_not = "this codec is stored, and not played";
  return false;
}

namespace {

// Without what only the producer's own file can use, and open at its end.
Result<Bytes> CleanDocument(ByteSpan raw) {
  mkv::ElementWriter out;
  PS_TRY(const std::optional<Element> head, TakeElement(raw));
  if (!head || head->id != ebml::kEbml) return Invalid("no EBML header");
  out.Raw(head->whole);
  // Of known size it reaches beyond what is here.
  ByteReader in(raw);
  if (in.Be<uint32_t>() != ebml::kSegment || in.left() == 0) return Invalid("no Segment");
  in.Skip(static_cast<size_t>(std::countl_zero(in.rest()[0])) + 1);
  if (!in.ok()) return Invalid("no Segment");
  out.OpenEnded(ebml::kSegment);
  ByteSpan rest = in.rest();
  for (;;) {
    PS_TRY(const std::optional<Element> element, TakeElement(rest));
    if (!element) return out.Take();
    if (element->id == ebml::kInfo || element->id == ebml::kTracks || element->id == ebml::kTags)
      out.Raw(element->whole);
  }
}

}  // namespace

Result<std::shared_ptr<const UploadHeader>> UploadHeaderReader::Finish(ByteSpan raw) && {
  if (entries_.empty()) return Invalid("a cluster without Tracks before it");
  if (scale_ns_ == 0 || scale_ns_ > kScaleMax) return Invalid("a TimestampScale that cannot be");
  auto header = std::make_shared<UploadHeader>();
  header->scale_ns = static_cast<int64_t>(scale_ns_);
  for (Entry& entry : entries_) {
    UploadTrack& track = entry.track;
    if (track.number == 0 || header->Find(track.number) != nullptr)
      return Invalid("two tracks of one number, or one without");
    track.video = entry.type == kVideoType;
    TrackConfig config;
    std::optional<TrackConfig> playable;
    if (Describe(entry, config, track.why_unplayable)) playable = config;
    if (playable && IsVideo(config.codec)) {
      playable = DescribePictures(config);
      if (!playable) track.why_unplayable = "its parameter sets have not come yet";
      header->pictures.tracks.push_back(std::move(config));
    }
    if (playable) header->playable.tracks.push_back(std::move(*playable));
    header->tracks.push_back(std::move(track));
  }
  PS_TRY(header->document, CleanDocument(raw));
  return std::shared_ptr<const UploadHeader>(std::move(header));
}

}  // namespace penstock::fragmenter
