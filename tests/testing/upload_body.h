// Bodies of PutMedia, as producers write them, element by element.
#pragma once

#include <string>
#include <string_view>

#include "base/byte_io.h"
#include "fragmenter/ebml/ids.h"

namespace penstock::testing {

// Elements inside out: the content of a master is built first. Sizes are eight bytes long, as the
// producers' libraries write them.
class UploadBody {
 public:
  UploadBody& Element(uint32_t id, std::string_view content) {
    Head(id, content.size());
    out_.Text(content);
    return *this;
  }
  UploadBody& Uint(uint32_t id, uint64_t value) {
    Head(id, 8);
    out_.Be(value);
    return *this;
  }
  // Of unknown size, in one byte.
  UploadBody& Open(uint32_t id) {
    Id(id);
    out_.Be<uint8_t>(0xff);
    return *this;
  }
  UploadBody& Block(uint32_t id, uint8_t track, int16_t time, uint8_t flags,
                    std::string_view frame) {
    Head(id, 4 + frame.size());
    out_.Be<uint8_t>(0x80 | track);
    out_.Be(time);
    out_.Be(flags);
    out_.Text(frame);
    return *this;
  }
  UploadBody& Frame(uint8_t track, int16_t time, bool key, std::string_view frame) {
    return Block(fragmenter::ebml::kSimpleBlock, track, time, key ? 0x80 : 0, frame);
  }
  UploadBody& Add(std::string_view bytes) {
    out_.Text(bytes);
    return *this;
  }

  UploadBody& Ebml() {
    UploadBody content;
    content.Element(fragmenter::ebml::kDocType, "matroska");
    return Element(fragmenter::ebml::kEbml, content.text());
  }
  // H.264 on track 1, and what is asked for on track 2.
  UploadBody& Tracks(std::string_view sound_codec = "", std::string_view sound_private = "",
                     std::string_view video_private = Avcc()) {
    using namespace fragmenter::ebml;
    UploadBody entries;
    UploadBody video;
    video.Uint(kTrackNumber, 1).Uint(kTrackType, 1).Element(kCodecId, "V_MPEG4/ISO/AVC");
    video.Element(kCodecPrivate, video_private);
    entries.Element(kTrackEntry, video.text());
    if (!sound_codec.empty()) {
      UploadBody sound;
      sound.Uint(kTrackNumber, 2).Uint(kTrackType, 2).Element(kCodecId, sound_codec);
      sound.Element(kCodecPrivate, sound_private);
      entries.Element(kTrackEntry, sound.text());
    }
    return Element(fragmenter::ebml::kTracks, entries.text());
  }
  UploadBody& Info(uint64_t scale = 1'000'000) {
    UploadBody content;
    content.Uint(fragmenter::ebml::kTimestampScale, scale);
    return Element(fragmenter::ebml::kInfo, content.text());
  }
  // EBML header, Segment, Info, Tracks of one picture track.
  UploadBody& Start() { return Ebml().Open(fragmenter::ebml::kSegment).Info().Tracks(); }
  // A cluster of unknown size begins.
  UploadBody& Cluster(uint64_t timecode) {
    return Open(fragmenter::ebml::kCluster).Uint(fragmenter::ebml::kTimestamp, timecode);
  }
  UploadBody& Tag(std::string_view name, std::string_view value) {
    using namespace fragmenter::ebml;
    UploadBody simple;
    simple.Element(kTagName, name).Element(kTagString, value);
    UploadBody tag;
    tag.Element(kSimpleTag, simple.text());
    UploadBody tags;
    tags.Element(kTag, tag.text());
    return Element(kTags, tags.text());
  }
  UploadBody& EndOfFragment() { return Tag("AWS_KINESISVIDEO_END_OF_FRAGMENT", ""); }

  std::string text() const { return std::string(AsText(out_.span())); }

  // Of a 320x180 Constrained Baseline picture, level 1.3.
  static std::string_view Avcc() {
    static constexpr char kBox[] =
        "\x01\x42\xc0\x0d\xff\xe1\x00\x09\x67\x42\xc0\x0d\xda\x05\x06\x7e\x5c\x01\x00\x04\x68\xce"
        "\x3c\x80";
    return std::string_view(kBox, sizeof kBox - 1);
  }

 private:
  void Id(uint32_t id) { out_.BeN(id, id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1); }
  void Head(uint32_t id, uint64_t size) {
    Id(id);
    out_.Be(size | uint64_t{1} << 56);
  }

  ByteWriter out_;
};

}  // namespace penstock::testing
