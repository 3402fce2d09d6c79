// The frame table's stored form (docs/format-media.md): what is as expected is not written.
#include <algorithm>
#include <limits>

#include "base/byte_io.h"
#include "fragmenter/media.h"
#include "fragmenter/mkv/vint.h"

namespace penstock::fragmenter {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kHasRawProducer = 1;

// The head byte of a frame.
constexpr uint8_t kKey = 1 << 0;
constexpr uint8_t kGap =
    1 << 1;  // the bytes before the frame are not those of one SimpleBlock header
constexpr uint8_t kDts = 1 << 2;       // not where the track's last frame ended
constexpr uint8_t kCts = 1 << 3;       // not the offset of the track's last frame
constexpr uint8_t kDuration = 1 << 4;  // not the duration of the track's last frame
constexpr int kTrackShift = 5;         // index in the list of tracks; 7: a varint follows
constexpr uint32_t kTrackEscape = 7;

// Decode times live in this range, so that sums of a few of them cannot overflow.
constexpr int64_t kDtsMax = int64_t{1} << 61;

struct TrackState {
  uint32_t number = 0;
  int64_t next_dts = 0;
  int32_t cts_offset = 0;
  uint32_t duration = 0;

  void Follow(const Frame& frame) {
    next_dts = frame.dts + frame.duration;
    cts_offset = frame.cts_offset;
    duration = frame.duration;
  }
};

std::vector<TrackState> TracksOf(const std::vector<Frame>& frames) {
  std::vector<TrackState> tracks;
  for (const Frame& frame : frames) {
    const bool known = std::ranges::any_of(
        tracks, [&](const TrackState& track) { return track.number == frame.track; });
    if (!known) tracks.push_back(TrackState{.number = frame.track});
  }
  return tracks;
}

void WriteFrame(ByteWriter& out, const Frame& frame, uint32_t index, TrackState& track,
                uint64_t end) {
  CHECK(frame.offset >= end);
  CHECK(frame.dts > -kDtsMax);
  CHECK(frame.dts < kDtsMax);
  const uint64_t gap = frame.offset - end;
  const bool odd_gap = gap != mkv::SimpleBlockHeaderBytes(frame.size);
  uint8_t head = static_cast<uint8_t>(std::min(index, kTrackEscape) << kTrackShift);
  if (frame.key) head |= kKey;
  if (odd_gap) head |= kGap;
  if (frame.dts != track.next_dts) head |= kDts;
  if (frame.cts_offset != track.cts_offset) head |= kCts;
  if (frame.duration != track.duration) head |= kDuration;
  out.Be(head);
  if (index >= kTrackEscape) out.Varint(index);
  out.Varint(frame.size);
  if (odd_gap) out.Varint(gap);
  if (frame.dts != track.next_dts) out.Zigzag(frame.dts - track.next_dts);
  if (frame.cts_offset != track.cts_offset) out.Zigzag(frame.cts_offset);
  if (frame.duration != track.duration) out.Varint(frame.duration);
}

template <class T>
bool Fits(int64_t value) {
  return value >= int64_t{std::numeric_limits<T>::min()} &&
         value <= int64_t{std::numeric_limits<T>::max()};
}

// False if the bytes say something that no encoder wrote.
bool ReadFrame(ByteReader& in, std::vector<TrackState>& tracks, uint64_t& end, Frame& frame) {
  const uint8_t head = in.Be<uint8_t>();
  uint64_t index = head >> kTrackShift;
  if (index == kTrackEscape) index = in.Varint();
  if (!in.ok() || index >= tracks.size()) return false;
  TrackState& track = tracks[index];

  const uint64_t size = in.Varint();
  if (size > std::numeric_limits<uint32_t>::max()) return false;
  const uint64_t gap = (head & kGap) != 0 ? in.Varint() : mkv::SimpleBlockHeaderBytes(size);
  const int64_t dts_change = (head & kDts) != 0 ? in.Zigzag() : 0;
  const int64_t cts_offset = (head & kCts) != 0 ? in.Zigzag() : track.cts_offset;
  const uint64_t duration = (head & kDuration) != 0 ? in.Varint() : track.duration;
  if (!in.ok() || gap > std::numeric_limits<uint32_t>::max()) return false;
  if (end + gap + size > std::numeric_limits<uint32_t>::max()) return false;
  if (dts_change <= -2 * kDtsMax || dts_change >= 2 * kDtsMax) return false;
  if (!Fits<int32_t>(cts_offset) || duration > std::numeric_limits<uint32_t>::max()) return false;

  frame.track = track.number;
  frame.key = (head & kKey) != 0;
  frame.offset = static_cast<uint32_t>(end + gap);
  frame.size = static_cast<uint32_t>(size);
  frame.dts = track.next_dts + dts_change;
  frame.cts_offset = static_cast<int32_t>(cts_offset);
  frame.duration = static_cast<uint32_t>(duration);
  if (frame.dts <= -kDtsMax || frame.dts >= kDtsMax) return false;
  track.Follow(frame);
  end += gap + size;
  return true;
}

Error Corrupt(const char* what) {
  return Error(ErrorCode::kCorruption, std::string("frame table: ") + what);
}

}  // namespace

Bytes FrameTable::Encode() const {
  ByteWriter out;
  out.buffer().reserve(16 + frames.size() * 6);
  out.Be(kVersion);
  out.Be<uint8_t>(raw_producer_us.has_value() ? kHasRawProducer : 0);
  if (raw_producer_us) out.Zigzag(*raw_producer_us);
  std::vector<TrackState> tracks = TracksOf(frames);
  out.Varint(tracks.size());
  for (const TrackState& track : tracks) out.Varint(track.number);
  out.Varint(frames.size());
  uint64_t end = 0;
  for (const Frame& frame : frames) {
    const auto track = std::ranges::find(tracks, frame.track, &TrackState::number);
    WriteFrame(out, frame, static_cast<uint32_t>(track - tracks.begin()), *track, end);
    track->Follow(frame);
    end = uint64_t{frame.offset} + frame.size;
  }
  return out.Take();
}

Result<FrameTable> FrameTable::Decode(ByteSpan bytes) {
  ByteReader in(bytes);
  FrameTable table;
  const uint8_t version = in.Be<uint8_t>();
  if (in.ok() && version != kVersion) return Corrupt("a version this program does not know");
  const uint8_t flags = in.Be<uint8_t>();
  if ((flags & ~kHasRawProducer) != 0) return Corrupt("unknown flags");
  if ((flags & kHasRawProducer) != 0) table.raw_producer_us = in.Zigzag();

  // Every count is held against the bytes that are left, so that damage cannot ask for memory.
  const uint64_t track_count = in.Varint();
  if (track_count > in.left()) return Corrupt("more tracks than bytes");
  std::vector<TrackState> tracks(track_count);
  for (TrackState& track : tracks) {
    const uint64_t number = in.Varint();
    if (number > std::numeric_limits<uint32_t>::max()) return Corrupt("track number");
    track.number = static_cast<uint32_t>(number);
  }
  const uint64_t frame_count = in.Varint();
  if (!in.ok() || frame_count > in.left() / 2) return Corrupt("more frames than bytes");
  table.frames.resize(frame_count);
  uint64_t end = 0;
  for (Frame& frame : table.frames) {
    if (!ReadFrame(in, tracks, end, frame)) return Corrupt("damaged frame");
  }
  if (in.left() != 0) return Corrupt("bytes after the last frame");
  return table;
}

}  // namespace penstock::fragmenter
