// The words of the media layer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace penstock::fragmenter {

enum class Codec : uint8_t {
  kH264 = 1,
  kH265 = 2,
  kAac = 3,
  kOpus = 4,
  kPcmu = 5,  // G.711, mu-law
  kPcma = 6,  // G.711, A-law
};
std::string_view CodecName(Codec codec);  // "H.264"
bool IsVideo(Codec codec);

// What a decoder must know of one track.
struct TrackConfig {
  uint32_t number = 0;  // MKV TrackNumber, from 1
  Codec codec = Codec::kH264;
  Bytes codec_private;      // avcC, hvcC, AudioSpecificConfig, OpusHead, WAVEFORMATEX
  uint32_t clock_rate = 0;  // media ticks per second of this track's PTS and DTS
  // Video
  uint32_t width = 0;
  uint32_t height = 0;
  // Audio
  uint32_t sample_rate = 0;
  uint32_t channels = 0;
  // H.264 and H.265 of uploads: frames are stored as byte streams (Annex B of both, NAL units
  // between start codes), where everything else has NAL units with 4-byte lengths.
  bool byte_stream = false;

  std::string CodecString() const;  // RFC 6381: "avc1.4d401f", "hvc1.…", "mp4a.40.2"
  friend bool operator==(const TrackConfig& a, const TrackConfig& b);  // by content
};

// The tracks of a run. Immutable and shared; compared by content.
struct TrackSet {
  std::vector<TrackConfig> tracks;
  friend bool operator==(const TrackSet&, const TrackSet&) = default;
  const TrackConfig* Find(uint32_t number) const;
};

// One picture or audio frame, complete.
struct AccessUnit {
  uint32_t track = 0;
  int64_t pts = 0;             // ticks of the track's clock rate, unwrapped
  std::optional<int64_t> dts;  // same; made in timeline/ where the protocol does not carry it
  int64_t duration = 0;        // ticks; 0 if unknown
  bool key = false;
  bool damaged = false;  // packets were lost within it or just before it
  Bytes data;  // H.264/H.265: 4-byte length-prefixed NAL units; AAC: raw_data_block without ADTS;
               // Opus: packet; G.711: samples
  ServerTime received;  // when its first byte came
};

// One frame in a fragment's frame table. Where its bytes lie in the cluster and when it is shown:
// all that playback needs.
struct Frame {
  uint32_t track = 0;
  bool key = false;
  uint32_t offset = 0;     // of the frame's bytes from the first byte of the Cluster element
  uint32_t size = 0;       // bytes
  int64_t dts = 0;         // ticks since the run's origin for this track's clock
  int32_t cts_offset = 0;  // pts - dts, ticks; may be negative (timeline/reorder.h)
  uint32_t duration = 0;   // ticks
};

// What one fragment consists of; stored as the item's meta. Times are run-relative: tfdt comes
// straight from here.
struct FrameTable {
  // In the order of the cluster's blocks.
  std::vector<Frame> frames;
  // The producer's raw clock at a jump, microseconds since 1970; only with the clock_jump flag.
  std::optional<int64_t> raw_producer_us;

  Bytes Encode() const;
  static Result<FrameTable> Decode(ByteSpan bytes);
};

struct FragmentFlags {
  bool damaged = false;
  bool no_keyframe = false;
  bool clock_jump = false;
  bool producer_time_sane = false;
};

// One finished fragment: a whole MKV Cluster with its frame table.
struct Fragment {
  std::shared_ptr<const TrackSet> tracks;
  bool starts_run = false;  // first of its run: a hole or another track set before it
  ByteChain cluster;        // direct-I/O ready
  FrameTable frames;
  ServerTime received;         // first byte of it
  ProducerTime producer_time;  // of its first frame; see flags.producer_time_sane
  std::chrono::microseconds duration{0};
  FragmentFlags flags;
};

// EBML header + Segment (unknown size) + Info + Tracks: what must precede a cluster to make a
// Matroska document. Deterministic: equal track sets give equal bytes. (RFC 8794, RFC 9559)
Bytes EncodeMkvHeader(const TrackSet& tracks);

// The first two of these alone, for a document without media.
Bytes EncodeMkvStart();

// The compact form stored beside it, so that playback needs no EBML parser.
Bytes EncodeTrackSet(const TrackSet& tracks);
Result<TrackSet> DecodeTrackSet(ByteSpan bytes);

// Bytes from the start of a cluster made by us to its Timestamp value (8 bytes, big-endian,
// milliseconds), so that an export can rewrite it in place. (docs/format.md: clusters)
extern const size_t kClusterTimestampOffset;

}  // namespace penstock::fragmenter
