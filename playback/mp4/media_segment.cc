#include "playback/mp4/media_segment.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "playback/mp4/box_writer.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::FrameTable;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;
using mp4::BoxWriter;
using Box = mp4::BoxWriter::Box;

// ISO/IEC 14496-12 8.8.3.1
constexpr uint32_t kSyncSample = 0x02000000;     // depends on no other
constexpr uint32_t kNonSyncSample = 0x01010000;  // depends on others, is no sync sample

// 8.8.7.1
constexpr uint32_t kTfhdDefaultDuration = 0x000008;
constexpr uint32_t kTfhdDefaultFlags = 0x000020;
constexpr uint32_t kTfhdDefaultBaseIsMoof = 0x020000;

// 8.8.8.1
constexpr uint32_t kTrunDataOffset = 0x001;
constexpr uint32_t kTrunFirstFlags = 0x004;
constexpr uint32_t kTrunDuration = 0x100;
constexpr uint32_t kTrunSize = 0x200;
constexpr uint32_t kTrunFlags = 0x400;
constexpr uint32_t kTrunCts = 0x800;

constexpr size_t kMdatHead = 8;

struct Sample {
  uint32_t offset = 0;  // in the cluster
  uint32_t size = 0;
  uint32_t duration = 0;
  int32_t cts_offset = 0;
  uint32_t flags = 0;
};

// The samples of one track, and what they have in common: what is common is written once.
struct TrackRun {
  uint32_t number = 0;
  int64_t first_dts = 0;
  std::vector<Sample> samples;
  uint64_t bytes = 0;
  bool made = false;  // its samples lie one after the other behind the body

  uint32_t default_duration = 0;
  uint32_t default_flags = 0;
  bool same_duration = true;
  bool same_flags = true;         // all have default_flags
  bool first_flags_only = false;  // all but the first have
  bool has_cts = false;

  void FindCommon();
};

void TrackRun::FindCommon() {
  default_duration = samples.front().duration;
  default_flags = samples.back().flags;
  size_t other_flags = 0;
  for (const Sample& sample : samples) {
    same_duration &= sample.duration == default_duration;
    has_cts |= sample.cts_offset != 0;
    if (sample.flags != default_flags) ++other_flags;
  }
  same_flags = other_flags == 0;
  first_flags_only = other_flags == 1 && samples.front().flags != default_flags;
}

Error Misfit(const Frame& frame, const char* what) {
  return Error(ErrorCode::kCorruption,
               fmt::format("frame of track {} at {}: {}", frame.track, frame.offset, what));
}

// Fills in the duration of the track's last sample, now that the next one is known.
Status CloseSample(TrackRun& run, const Frame& next, int64_t last_dts) {
  const int64_t duration = next.dts - last_dts;
  if (duration < 0) return Misfit(next, "decode time runs backwards");
  if (duration > std::numeric_limits<uint32_t>::max()) return Misfit(next, "decode time jumps");
  run.samples.back().duration = static_cast<uint32_t>(duration);
  return {};
}

Status AddFrame(TrackRun& run, bool video, const Frame& frame, int64_t& last_dts) {
  if (run.samples.empty()) {
    run.first_dts = frame.dts;
  } else {
    PS_TRY_VOID(CloseSample(run, frame, last_dts));
  }
  last_dts = frame.dts;
  run.samples.push_back(Sample{.offset = frame.offset,
                               .size = frame.size,
                               .duration = frame.duration,
                               .cts_offset = frame.cts_offset,
                               .flags = !video || frame.key ? kSyncSample : kNonSyncSample});
  run.bytes += frame.size;
  return {};
}

const MadeTrack* FindMade(const std::vector<MadeTrack>& made, uint32_t track) {
  const auto found = std::ranges::find(made, track, &MadeTrack::track);
  return found == made.end() ? nullptr : &*found;
}

Result<std::vector<TrackRun>> SplitByTrack(const TrackSet& tracks, const FrameTable& table,
                                           uint64_t cluster_bytes,
                                           const std::vector<MadeTrack>& made) {
  std::vector<TrackRun> runs(tracks.tracks.size());
  std::vector<int64_t> last_dts(tracks.tracks.size());
  uint64_t end = 0;
  for (const Frame& frame : table.frames) {
    if (frame.offset < end) return Misfit(frame, "overlaps the one before");
    end = uint64_t{frame.offset} + frame.size;
    if (end > cluster_bytes) return Misfit(frame, "ends after the cluster");
    if (FindMade(made, frame.track) != nullptr) continue;
    const TrackConfig* track = tracks.Find(frame.track);
    if (track == nullptr) return Misfit(frame, "unknown track");
    const size_t i = static_cast<size_t>(track - tracks.tracks.data());
    runs[i].number = frame.track;
    PS_TRY_VOID(AddFrame(runs[i], IsVideo(track->codec), frame, last_dts[i]));
  }
  for (const MadeTrack& track : made) {
    const TrackConfig* const config = tracks.Find(track.track);
    if (config == nullptr) continue;  // it is not served
    const size_t i = static_cast<size_t>(config - tracks.tracks.data());
    runs[i].number = track.track;
    runs[i].made = true;
    for (const Frame& frame : track.frames)
      PS_TRY_VOID(AddFrame(runs[i], IsVideo(config->codec), frame, last_dts[i]));
  }
  std::erase_if(runs, [](const TrackRun& run) { return run.samples.empty(); });
  if (runs.empty() && !made.empty())
    return Error(ErrorCode::kNotFound, "nothing in this fragment can be played");
  if (runs.empty()) return Error(ErrorCode::kCorruption, "a frame table without a frame");
  for (TrackRun& run : runs) {
    if (run.first_dts < 0) {
      return Error(ErrorCode::kCorruption,
                   fmt::format("track {} begins before its run", run.number));
    }
    run.FindCommon();
  }
  return runs;
}

void WriteTfhd(BoxWriter& w, const TrackRun& run) {
  uint32_t flags = kTfhdDefaultBaseIsMoof | kTfhdDefaultFlags;
  if (run.same_duration) flags |= kTfhdDefaultDuration;
  const Box tfhd(w, "tfhd", 0, flags);
  w.out().Be(run.number);
  if (run.same_duration) w.out().Be(run.default_duration);
  w.out().Be(run.default_flags);
}

void WriteTfdt(BoxWriter& w, const TrackRun& run) {
  const Box tfdt(w, "tfdt", 1, 0);
  w.out().Be(static_cast<uint64_t>(run.first_dts));
}

// A trun of samples [first, last). Returns where its data offset stands, to be patched when the
// moof's size is known.
size_t WriteTrun(BoxWriter& w, const TrackRun& run, size_t first, size_t last) {
  const bool every_flags = !run.same_flags && !run.first_flags_only;
  const bool first_flags = run.first_flags_only && first == 0;
  uint32_t flags = kTrunDataOffset | kTrunSize;
  if (!run.same_duration) flags |= kTrunDuration;
  if (every_flags) flags |= kTrunFlags;
  if (first_flags) flags |= kTrunFirstFlags;
  if (run.has_cts) flags |= kTrunCts;

  const Box trun(w, "trun", 1, flags);  // version 1: composition offsets are signed
  w.out().Be(static_cast<uint32_t>(last - first));
  const size_t data_offset = w.size();
  w.out().Be<uint32_t>(0);
  if (first_flags) w.out().Be(run.samples[first].flags);
  for (size_t i = first; i < last; ++i) {
    const Sample& sample = run.samples[i];
    if (!run.same_duration) w.out().Be(sample.duration);
    w.out().Be(sample.size);
    if (every_flags) w.out().Be(sample.flags);
    if (run.has_cts) w.out().Be(sample.cts_offset);
  }
  return data_offset;
}

// Where in the moof a data offset stands, and the place in the mdat's body it must point to.
struct OffsetPatch {
  size_t at = 0;
  uint64_t body_offset = 0;
};

void WriteTruns(BoxWriter& w, const TrackRun& run, Layout layout, uint64_t& body_offset,
                uint64_t& tail_offset, std::vector<OffsetPatch>& patches) {
  if (run.made) {
    patches.push_back({WriteTrun(w, run, 0, run.samples.size()), tail_offset});
    tail_offset += run.bytes;
    return;
  }
  switch (layout) {
    case Layout::kContiguous:
      patches.push_back({WriteTrun(w, run, 0, run.samples.size()), body_offset});
      body_offset += run.bytes;
      return;
    case Layout::kVerbatim:
      for (size_t i = 0; i < run.samples.size(); ++i) {
        patches.push_back({WriteTrun(w, run, i, i + 1), run.samples[i].offset});
      }
      return;
  }
}

// The ranges of the cluster that follow the head; neighbours are joined.
std::vector<BodyRange> BodyOf(const std::vector<TrackRun>& runs, uint64_t cluster_bytes,
                              Layout layout) {
  std::vector<BodyRange> body;
  if (layout == Layout::kVerbatim) {
    body.push_back({0, static_cast<uint32_t>(cluster_bytes)});
    return body;
  }
  for (const TrackRun& run : runs) {
    if (run.made) continue;
    for (const Sample& sample : run.samples) {
      if (sample.size == 0) continue;
      if (!body.empty() && body.back().offset + body.back().size == sample.offset) {
        body.back().size += sample.size;
      } else {
        body.push_back({sample.offset, sample.size});
      }
    }
  }
  return body;
}

}  // namespace

Result<MediaSegment> MakeMediaSegment(const TrackSet& tracks, const FrameTable& table,
                                      uint64_t cluster_bytes, uint64_t sequence, Layout layout,
                                      const std::vector<MadeTrack>& made) {
  // Data offsets are signed 32 bit; limits::kFragmentBytesMax is far below.
  if (cluster_bytes > std::numeric_limits<int32_t>::max() / 2) {
    return Error(ErrorCode::kTooLarge, "a cluster of more than 1 GiB");
  }
  PS_TRY(const std::vector<TrackRun> runs, SplitByTrack(tracks, table, cluster_bytes, made));
  std::vector<BodyRange> body = BodyOf(runs, cluster_bytes, layout);
  uint64_t body_bytes = 0;
  for (const BodyRange& range : body) body_bytes += range.size;
  ByteChain tail;
  for (const TrackRun& run : runs) {
    if (run.made) tail.Append(FindMade(made, run.number)->bytes);
  }

  BoxWriter w;
  std::vector<OffsetPatch> patches;
  uint64_t body_offset = 0;
  uint64_t tail_offset = body_bytes;
  {
    const Box moof(w, "moof");
    {
      const Box mfhd(w, "mfhd", 0, 0);
      w.out().Be(static_cast<uint32_t>(sequence));
    }
    for (const TrackRun& run : runs) {
      const Box traf(w, "traf");
      WriteTfhd(w, run);
      WriteTfdt(w, run);
      WriteTruns(w, run, layout, body_offset, tail_offset, patches);
    }
  }
  const uint64_t body_start = w.size() + kMdatHead;
  for (const OffsetPatch& patch : patches) {
    w.Patch(patch.at, static_cast<uint32_t>(body_start + patch.body_offset));
  }
  w.out().Be(static_cast<uint32_t>(kMdatHead + body_bytes + tail.size()));
  w.out().Text("mdat");
  return MediaSegment{w.Take(), std::move(body), std::move(tail)};
}

ByteChain AssembleSegment(const MediaSegment& segment, const ByteChain& cluster) {
  ByteChain out(segment.head);
  for (const BodyRange& range : segment.body) {
    out.Append(cluster.Slice(range.offset, range.size));
  }
  out.Append(segment.tail);
  return out;
}

}  // namespace penstock::playback
