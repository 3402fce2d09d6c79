#include "playback/ts/transport_segment.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/byte_io.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/timeline/ticks.h"
#include "playback/ts/decode_times.h"
#include "playback/ts/elementary.h"
#include "playback/ts/packet_writer.h"
#include "playback/ts/tables.h"

namespace penstock::playback {
namespace {

using fragmenter::Codec;
using fragmenter::Frame;
using fragmenter::FrameTable;
using fragmenter::Rescale;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;
using ts::Payload;

constexpr int64_t kClock = 90'000;
constexpr int64_t kOrigin = 10 * kClock;
// A packet comes so long before it is decoded.
constexpr int64_t kAhead = kClock / 2;
// 2.7.2: how far apart two clock references may be.
constexpr int64_t kPcrDistanceMax = kClock / 10;
// Of packets that only tell the time: a hundred seconds of a fragment that has ten. Beyond it a
// table is wrong.
constexpr int kClockPacketsMax = 1000;
// So that no time overflows.
constexpr int64_t kRunSecondsMax = int64_t{1} << 30;
// Sound is gathered: a unit alone would leave half of its last packet empty.
constexpr size_t kSoundBytes = 2600;

// One PES packet: a picture, or some units of sound.
struct Unit {
  size_t stream = 0;
  int64_t pts = 0;  // 90 kHz, from the run's origin
  int64_t dts = 0;
  bool key = false;
  std::vector<Frame> frames;
};

struct Stream {
  const TrackConfig* track = nullptr;
  ChainView bytes;
  std::vector<Frame> frames;
  std::optional<ts::PictureWrapper> pictures;
  std::optional<ts::SoundWrapper> sound;
  uint16_t pid = 0;

  uint8_t Type() const {
    if (track->codec == Codec::kH264) return ts::kH264Type;
    return track->codec == Codec::kH265 ? ts::kH265Type : ts::kAdtsType;
  }
  int64_t Ticks(int64_t own) const { return Rescale(own, track->clock_rate, kClock); }
};

Error Misfit(const Frame& frame, const char* what) {
  return Error(ErrorCode::kCorruption,
               fmt::format("frame of track {} at {}: {}", frame.track, frame.offset, what));
}

Status Prepare(Stream& stream) {
  const TrackConfig& track = *stream.track;
  if (track.clock_rate == 0)
    return Error(ErrorCode::kCorruption, fmt::format("track {}: no clock rate", track.number));
  if (IsVideo(track.codec)) {
    PS_TRY(stream.pictures, ts::PictureWrapper::Make(track));
    return {};
  }
  if (track.codec == Codec::kAac) {
    PS_TRY(stream.sound, ts::SoundWrapper::Make(track));
    return {};
  }
  return Error(ErrorCode::kUnsupported,
               fmt::format("track {}: players know no {} in MPEG-TS; FRAGMENTED_MP4 has it",
                           track.number, fragmenter::CodecName(track.codec)));
}

Result<std::vector<Stream>> MakeStreams(const TrackSet& tracks, const ByteChain& cluster,
                                        const std::vector<MadeTrack>& made) {
  if (tracks.tracks.empty())
    return Error(ErrorCode::kUnsupported, "none of its tracks has a form that can be played");
  std::vector<Stream> streams;
  for (const TrackConfig& track : tracks.tracks) {
    const auto found = std::ranges::find(made, track.number, &MadeTrack::track);
    Stream stream{.track = &track,
                  .bytes = ChainView(found == made.end() ? cluster : found->bytes),
                  .frames = {},
                  .pictures = std::nullopt,
                  .sound = std::nullopt};
    if (found != made.end()) stream.frames = found->frames;
    stream.pid = static_cast<uint16_t>(ts::kFirstStreamPid + streams.size());
    PS_TRY_VOID(Prepare(stream));
    streams.push_back(std::move(stream));
  }
  return streams;
}

Status TakeFrames(const FrameTable& table, const std::vector<MadeTrack>& made,
                  std::vector<Stream>& streams) {
  for (const Frame& frame : table.frames) {
    if (std::ranges::find(made, frame.track, &MadeTrack::track) != made.end()) continue;
    const auto stream = std::ranges::find_if(
        streams, [&](const Stream& one) { return one.track->number == frame.track; });
    if (stream == streams.end()) return Misfit(frame, "unknown track");
    stream->frames.push_back(frame);
  }
  for (const Stream& stream : streams) {
    for (const Frame& frame : stream.frames) {
      if (uint64_t{frame.offset} + frame.size > stream.bytes.size())
        return Misfit(frame, "ends after the cluster");
      if (std::abs(frame.dts) > kRunSecondsMax * stream.track->clock_rate)
        return Misfit(frame, "lies decades from its run's begin");
    }
  }
  return {};
}

void AddPictures(const Stream& stream, size_t index, std::vector<Unit>& out) {
  const TrackConfig& track = *stream.track;
  const auto format = fragmenter::ParseVideoFormat(track.codec, track.codec_private);
  const std::vector<int64_t> dts = ts::DecodeTimes(
      stream.frames, format.ok() ? format->reorder_depth : std::nullopt, track.clock_rate);
  for (size_t i = 0; i < stream.frames.size(); ++i) {
    const Frame& frame = stream.frames[i];
    if (frame.size == 0) continue;
    out.push_back({.stream = index,
                   .pts = stream.Ticks(frame.dts + frame.cts_offset),
                   .dts = stream.Ticks(dts[i]),
                   .key = frame.key,
                   .frames = {frame}});
  }
}

// Units that follow each other without a gap share one time stamp.
void AddSound(const Stream& stream, size_t index, std::vector<Unit>& out) {
  const TrackConfig& track = *stream.track;
  const int64_t unit_ticks =
      Rescale(stream.sound->unit_samples(), stream.sound->sample_rate(), track.clock_rate);
  const int64_t tolerance = track.clock_rate / 1000;
  bool open = false;
  size_t bytes = 0;
  for (const Frame& frame : stream.frames) {
    if (!ts::SoundWrapper::Fits(frame)) continue;
    if (open) {
      const auto& gathered = out.back().frames;
      const int64_t expected =
          gathered.front().dts + static_cast<int64_t>(gathered.size()) * unit_ticks;
      const int64_t off = frame.dts - expected;
      open = off <= tolerance && -off <= tolerance && bytes + frame.size <= kSoundBytes;
    }
    if (!open) {
      const int64_t time = stream.Ticks(frame.dts);
      out.push_back({.stream = index, .pts = time, .dts = time, .key = true, .frames = {}});
      bytes = 0;
    }
    open = true;
    bytes += frame.size;
    out.back().frames.push_back(frame);
  }
}

// 2.4.3.6: 33 bits in five bytes, each with a marker.
void WriteTime(ByteWriter& out, uint8_t prefix, int64_t time) {
  const auto bits = static_cast<uint64_t>((time + kOrigin) & ts::kTimeMask);
  out.Be(static_cast<uint8_t>(prefix << 4 | (bits >> 30 & 7) << 1 | 1));
  out.Be(static_cast<uint16_t>((bits >> 15 & 0x7fff) << 1 | 1));
  out.Be(static_cast<uint16_t>((bits & 0x7fff) << 1 | 1));
}

Bytes PesHead(const Unit& unit, bool video, size_t payload_bytes) {
  const bool both = unit.dts != unit.pts;
  const uint8_t times_bytes = both ? 10 : 5;
  const size_t behind_length = 3 + size_t{times_bytes} + payload_bytes;
  ByteWriter out;
  out.BeN(1, 3);
  out.Be<uint8_t>(video ? 0xe0 : 0xc0);
  // A picture may be larger than it can say: 0 then. Sound never is.
  out.Be(static_cast<uint16_t>(behind_length <= 0xffff ? behind_length : 0));
  out.Be<uint8_t>(0x84);  // the payload begins with an access unit
  out.Be<uint8_t>(both ? 0xc0 : 0x80);
  out.Be(times_bytes);
  WriteTime(out, both ? 3 : 2, unit.pts);
  if (both) WriteTime(out, 1, unit.dts);
  return out.Take();
}

class SegmentWriter {
 public:
  SegmentWriter(const std::vector<Stream>& streams, size_t expected_bytes)
      : streams_(streams), packets_(expected_bytes) {
    const auto video = std::ranges::find_if(
        streams, [](const Stream& stream) { return stream.pictures.has_value(); });
    const Stream& clock = video != streams.end() ? *video : streams.front();
    clock_ = static_cast<size_t>(&clock - streams.data());
  }

  void WriteTables() {
    std::vector<ts::StreamEntry> entries;
    for (const Stream& stream : streams_) entries.push_back({stream.Type(), stream.pid});
    packets_.WriteSection(ts::kPatPid, ts::MakePat());
    packets_.WriteSection(ts::kPmtPid, ts::MakePmt(entries, streams_[clock_].pid));
  }

  bool Write(const Unit& unit) {
    const Stream& stream = streams_[unit.stream];
    Payload payload;
    payload.pieces.emplace_back();  // for the head
    for (const Frame& frame : unit.frames) {
      if (stream.pictures) {
        stream.pictures->Wrap(stream.bytes, frame, payload);
      } else {
        stream.sound->Wrap(stream.bytes, frame, payload);
      }
    }
    if (payload.bytes == 0) return false;
    TellTime(unit.dts);
    const Bytes head = PesHead(unit, stream.pictures.has_value(), payload.bytes);
    payload.pieces.front() = head;
    ts::PacketFlags flags{.random_access = unit.key, .pcr = std::nullopt};
    if (unit.stream == clock_) {
      flags.pcr = PcrAt(unit.dts);
      told_ = unit.dts;
      const Frame& last = unit.frames.back();
      const int64_t begins = stream.pictures ? unit.dts : stream.Ticks(last.dts);
      end_ = begins + stream.Ticks(last.duration);
    }
    packets_.WriteUnit(stream.pid, payload.pieces, flags);
    return true;
  }

  // The next fragment begins where the clock's stream ends here.
  void TellTimeToTheEnd() { TellTime(end_); }

  Bytes Take() { return packets_.Take(); }

 private:
  static int64_t PcrAt(int64_t dts) { return dts + kOrigin - kAhead; }

  // Packets that tell the time until then, where nothing else does.
  void TellTime(int64_t until) {
    while (told_ && until - *told_ > kPcrDistanceMax && clock_packets_ < kClockPacketsMax) {
      *told_ += kPcrDistanceMax;
      ++clock_packets_;
      packets_.WriteClock(streams_[clock_].pid, PcrAt(*told_));
    }
  }

  const std::vector<Stream>& streams_;
  ts::PacketWriter packets_;
  size_t clock_ = 0;             // whose packets carry the clock
  std::optional<int64_t> told_;  // the time that was told last
  int64_t end_ = 0;              // where what it belongs to ends
  int clock_packets_ = 0;
};

// Packets of the media, and what the last one of each unit and its head leave empty.
size_t ExpectedBytes(const std::vector<Stream>& streams, size_t units) {
  size_t bytes = 0;
  for (const Stream& stream : streams) {
    for (const Frame& frame : stream.frames) bytes += frame.size;
  }
  return bytes / ts::kPacketBodyBytes * ts::kPacketBytes + (units + 8) * 2 * ts::kPacketBytes;
}

}  // namespace

Status CheckTransport(const TrackSet& tracks) {
  const auto streams = MakeStreams(tracks, {}, {});
  return streams.ok() ? Status() : Status(streams.error());
}

Result<Bytes> MakeTransportSegment(const TrackSet& tracks, const FrameTable& table,
                                   const ByteChain& cluster, const std::vector<MadeTrack>& made) {
  PS_TRY(std::vector<Stream> streams, MakeStreams(tracks, cluster, made));
  PS_TRY_VOID(TakeFrames(table, made, streams));
  std::vector<Unit> units;
  for (size_t i = 0; i < streams.size(); ++i) {
    if (streams[i].pictures) {
      AddPictures(streams[i], i, units);
    } else {
      AddSound(streams[i], i, units);
    }
  }
  std::ranges::stable_sort(units, {}, &Unit::dts);
  SegmentWriter writer(streams, ExpectedBytes(streams, units.size()));
  writer.WriteTables();
  bool any = false;
  for (const Unit& unit : units) any |= writer.Write(unit);
  if (!any) return Error(ErrorCode::kNotFound, "nothing in this fragment can be played");
  writer.TellTimeToTheEnd();
  return writer.Take();
}

}  // namespace penstock::playback
