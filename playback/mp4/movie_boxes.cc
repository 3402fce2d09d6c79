#include "playback/mp4/movie_boxes.h"

#include <limits>
#include <set>

#include <fmt/format.h>

#include "fragmenter/codec/g711.h"
#include "fragmenter/codec/opus.h"

namespace penstock::playback::mp4 {
namespace {

using fragmenter::Codec;
using fragmenter::TrackConfig;
using Box = BoxWriter::Box;

void WriteUnityMatrix(ByteWriter& out) {
  for (const uint32_t value : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u}) {
    out.Be(value);
  }
}

void WriteTkhd(BoxWriter& w, const TrackConfig& track, uint32_t duration) {
  const bool video = IsVideo(track.codec);
  const Box tkhd(w, "tkhd", 0, 3);  // enabled, in the movie
  w.out().Zero(8);
  w.out().Be(track.number);
  w.out().Zero(4);
  w.out().Be(duration);
  w.out().Zero(8);
  w.out().Be<uint16_t>(0);  // layer
  w.out().Be<uint16_t>(0);  // alternate group
  w.out().Be<uint16_t>(video ? 0 : 0x0100);
  w.out().Zero(2);
  WriteUnityMatrix(w.out());
  w.out().Be<uint32_t>(video ? track.width << 16 : 0);
  w.out().Be<uint32_t>(video ? track.height << 16 : 0);
}

void WriteMdhd(BoxWriter& w, const TrackConfig& track, uint64_t duration) {
  const bool is_long = duration > std::numeric_limits<uint32_t>::max();
  const Box mdhd(w, "mdhd", is_long ? 1 : 0, 0);
  w.out().Zero(is_long ? 16 : 8);
  w.out().Be(track.clock_rate);
  if (is_long) {
    w.out().Be(duration);
  } else {
    w.out().Be(static_cast<uint32_t>(duration));
  }
  w.out().Be<uint16_t>(0x55c4);  // "und"
  w.out().Zero(2);
}

void WriteHdlr(BoxWriter& w, bool video) {
  const Box hdlr(w, "hdlr", 0, 0);
  w.out().Zero(4);
  w.out().Text(video ? "vide" : "soun");
  w.out().Zero(12);
  w.out().Zero(1);  // an empty name
}

void WriteMediaHeader(BoxWriter& w, bool video) {
  if (video) {
    const Box vmhd(w, "vmhd", 0, 1);
    w.out().Zero(8);
  } else {
    const Box smhd(w, "smhd", 0, 0);
    w.out().Zero(4);
  }
}

void WriteDinf(BoxWriter& w) {
  const Box dinf(w, "dinf");
  const Box dref(w, "dref", 0, 0);
  w.out().Be<uint32_t>(1);
  const Box url(w, "url ", 0, 1);  // the media is in this file
}

void WriteVisualEntry(BoxWriter& w, const TrackConfig& track) {
  const bool h264 = track.codec == Codec::kH264;
  const Box entry(w, h264 ? "avc1" : "hvc1");
  w.out().Zero(6);
  w.out().Be<uint16_t>(1);  // data reference
  w.out().Zero(16);
  w.out().Be(static_cast<uint16_t>(track.width));
  w.out().Be(static_cast<uint16_t>(track.height));
  w.out().Be<uint32_t>(0x480000);  // 72 dpi
  w.out().Be<uint32_t>(0x480000);
  w.out().Zero(4);
  w.out().Be<uint16_t>(1);  // one frame a sample
  w.out().Zero(32);         // compressor name
  w.out().Be<uint16_t>(0x18);
  w.out().Be<uint16_t>(0xffff);
  const Box config(w, h264 ? "avcC" : "hvcC");
  w.out().Raw(track.codec_private);
}

// ISO/IEC 14496-1 7.2.2: a tag, a size in base 128, the content. Four size bytes always, as most
// writers do.
void WriteDescriptorHead(ByteWriter& out, uint8_t tag, size_t size) {
  CHECK(size < size_t{1} << 28);
  out.Be(tag);
  for (int shift = 21; shift >= 0; shift -= 7) {
    const auto low = static_cast<uint8_t>(size >> shift & 0x7f);
    out.Be(static_cast<uint8_t>(shift > 0 ? low | 0x80 : low));
  }
}

void WriteEsds(BoxWriter& w, ByteSpan audio_specific_config) {
  constexpr size_t kHead = 5;
  const size_t specific = kHead + audio_specific_config.size();
  const size_t decoder = kHead + 13 + specific;
  const Box esds(w, "esds", 0, 0);
  ByteWriter& out = w.out();
  WriteDescriptorHead(out, 3, 3 + decoder + kHead + 1);  // ES_Descriptor
  out.Be<uint16_t>(0);                                   // ES_ID: none in a file
  out.Be<uint8_t>(0);
  WriteDescriptorHead(out, 4, 13 + specific);  // DecoderConfigDescriptor
  out.Be<uint8_t>(0x40);                       // MPEG-4 audio
  out.Be<uint8_t>(0x15);                       // audio stream
  out.Zero(3 + 4 + 4);                         // buffer size and bit rates: not known
  WriteDescriptorHead(out, 5, audio_specific_config.size());
  out.Raw(audio_specific_config);
  WriteDescriptorHead(out, 6, 1);  // SLConfigDescriptor
  out.Be<uint8_t>(2);              // as in MP4 files
}

// Encapsulation of Opus in ISO Base Media File Format, 4.3.2: the identification header,
// big-endian.
void WriteDops(BoxWriter& w, const fragmenter::OpusHead& head) {
  const Box dops(w, "dOps");
  w.out().Be<uint8_t>(0);
  w.out().Be(head.channels);
  w.out().Be(head.pre_skip);
  w.out().Be(head.input_rate);
  w.out().Be(head.gain);
  w.out().Be<uint8_t>(0);
}

void WriteAudioEntry(BoxWriter& w, const TrackConfig& track) {
  const bool opus = track.codec == Codec::kOpus;
  const Box entry(w, opus ? "Opus" : "mp4a");
  w.out().Zero(6);
  w.out().Be<uint16_t>(1);
  w.out().Zero(8);
  w.out().Be(static_cast<uint16_t>(track.channels));
  w.out().Be<uint16_t>(16);
  w.out().Zero(4);
  // 16.16 fixed point; a rate that does not fit is read from the esds by everyone.
  w.out().Be<uint32_t>(track.sample_rate <= 0xffff ? track.sample_rate << 16 : 0);
  if (!opus) return WriteEsds(w, track.codec_private);
  const auto head = fragmenter::ParseOpusHead(track.codec_private);
  CHECK(head.ok());  // CheckPlayable
  WriteDops(w, *head);
}

void WriteStsd(BoxWriter& w, const TrackConfig& track) {
  const Box stsd(w, "stsd", 0, 0);
  w.out().Be<uint32_t>(1);
  if (IsVideo(track.codec)) {
    WriteVisualEntry(w, track);
  } else {
    WriteAudioEntry(w, track);
  }
}

}  // namespace

Status CheckPlayable(const fragmenter::TrackSet& set) {
  if (set.tracks.empty()) return Error(ErrorCode::kCorruption, "track set without a track");
  std::set<uint32_t> numbers;
  for (const TrackConfig& track : set.tracks) {
    const char* fault = nullptr;
    if (track.number == 0 || !numbers.insert(track.number).second) fault = "bad number";
    if (track.clock_rate == 0) fault = "no clock rate";
    if (track.codec_private.empty()) fault = "no codec private data";
    if (track.codec == Codec::kOpus && !fragmenter::ParseOpusHead(track.codec_private).ok())
      fault = "no Opus header that is known";
    if (fragmenter::IsG711(track.codec)) fault = "G.711 in MP4";
    if (fault) {
      return Error(ErrorCode::kCorruption, fmt::format("track {}: {}", track.number, fault));
    }
  }
  return {};
}

void WriteFtyp(BoxWriter& w) {
  const Box ftyp(w, "ftyp");
  w.out().Text("iso6");
  w.out().Be<uint32_t>(1);
  w.out().Text("iso6mp41");
}

void WriteMvhd(BoxWriter& w, uint32_t next_track, uint32_t duration) {
  const Box mvhd(w, "mvhd", 0, 0);
  w.out().Zero(8);  // creation and modification time: a set of tracks has none
  w.out().Be(kMovieTimescale);
  w.out().Be(duration);
  w.out().Be<uint32_t>(0x10000);  // rate 1.0
  w.out().Be<uint16_t>(0x0100);   // volume 1.0
  w.out().Zero(10);
  WriteUnityMatrix(w.out());
  w.out().Zero(24);
  w.out().Be(next_track);
}

void WriteTrak(BoxWriter& w, const TrackConfig& track, const TrakParts& parts) {
  const bool video = IsVideo(track.codec);
  const Box trak(w, "trak");
  WriteTkhd(w, track, parts.movie_duration);
  if (parts.edits) parts.edits(w);
  const Box mdia(w, "mdia");
  WriteMdhd(w, track, parts.media_duration);
  WriteHdlr(w, video);
  const Box minf(w, "minf");
  WriteMediaHeader(w, video);
  WriteDinf(w);
  const Box stbl(w, "stbl");
  WriteStsd(w, track);
  parts.tables(w);
}

}  // namespace penstock::playback::mp4
