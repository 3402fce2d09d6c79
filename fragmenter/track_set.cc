// The track set's stored form (docs/format-media.md).
#include <limits>

#include "base/byte_io.h"
#include "base/limits.h"
#include "fragmenter/media.h"

namespace penstock::fragmenter {
namespace {

constexpr uint8_t kVersion = 1;

Error Corrupt(const char* what) {
  return Error(ErrorCode::kCorruption, std::string("track set: ") + what);
}

// Pictures that are stored as byte streams have numbers of their own: a reader that does not know
// them must not take start codes for lengths.
constexpr uint8_t kH264ByteStream = 7;
constexpr uint8_t kH265ByteStream = 8;

uint8_t NumberOf(const TrackConfig& track) {
  if (!track.byte_stream) return static_cast<uint8_t>(track.codec);
  CHECK(IsVideo(track.codec));
  return track.codec == Codec::kH264 ? kH264ByteStream : kH265ByteStream;
}

bool ReadNumber(uint8_t number, TrackConfig& track) {
  track.byte_stream = number == kH264ByteStream || number == kH265ByteStream;
  if (track.byte_stream) {
    track.codec = number == kH264ByteStream ? Codec::kH264 : Codec::kH265;
    return true;
  }
  track.codec = static_cast<Codec>(number);
  return number >= uint8_t{1} && number <= static_cast<uint8_t>(Codec::kPcma);
}

}  // namespace

Bytes EncodeTrackSet(const TrackSet& set) {
  CHECK(set.tracks.size() <= limits::kTracksMax);
  ByteWriter out;
  out.Be(kVersion);
  out.Varint(set.tracks.size());
  for (const TrackConfig& track : set.tracks) {
    CHECK(track.codec_private.size() <= limits::kCodecPrivateBytesMax);
    out.Be(NumberOf(track));
    for (const uint32_t value : {track.number, track.clock_rate, track.width, track.height,
                                 track.sample_rate, track.channels}) {
      out.Varint(value);
    }
    out.Varint(track.codec_private.size());
    out.Raw(track.codec_private);
  }
  return out.Take();
}

Result<TrackSet> DecodeTrackSet(ByteSpan bytes) {
  ByteReader in(bytes);
  const uint8_t version = in.Be<uint8_t>();
  if (in.ok() && version != kVersion) return Corrupt("a version this program does not know");
  const uint64_t count = in.Varint();
  if (!in.ok() || count > limits::kTracksMax) return Corrupt("too many tracks");

  TrackSet set;
  set.tracks.resize(count);
  for (TrackConfig& track : set.tracks) {
    const bool known = ReadNumber(in.Be<uint8_t>(), track);
    if (in.ok() && !known) return Corrupt("unknown codec");
    for (uint32_t* value : {&track.number, &track.clock_rate, &track.width, &track.height,
                            &track.sample_rate, &track.channels}) {
      const uint64_t read = in.Varint();
      if (read > std::numeric_limits<uint32_t>::max()) return Corrupt("number out of range");
      *value = static_cast<uint32_t>(read);
    }
    const uint64_t private_bytes = in.Varint();
    if (private_bytes > limits::kCodecPrivateBytesMax)
      return Corrupt("codec private data too large");
    track.codec_private = Bytes::Copy(in.Raw(private_bytes));
  }
  if (!in.ok()) return Corrupt("cut short");
  if (in.left() != 0) return Corrupt("bytes after the last track");
  return set;
}

}  // namespace penstock::fragmenter
