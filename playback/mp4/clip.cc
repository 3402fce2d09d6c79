#include "playback/mp4/clip.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "playback/mp4/movie_boxes.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;
using mp4::BoxWriter;
using Box = mp4::BoxWriter::Box;

constexpr uint64_t kMdatHead = 8;
constexpr uint64_t kLongMdatHead = 16;

int64_t ToMovie(int64_t ticks, uint32_t clock_rate) {
  return ticks * int64_t{mp4::kMovieTimescale} / int64_t{clock_rate};
}

// Equal values in a row as (how many, value), which is what stts and ctts are.
template <class Value>
void WriteRuns(BoxWriter& w, const std::vector<Value>& values) {
  const size_t count_at = w.size();
  uint32_t count = 0;
  w.out().Be(count);
  for (size_t i = 0; i < values.size();) {
    size_t end = i + 1;
    while (end < values.size() && values[end] == values[i]) ++end;
    w.out().Be(static_cast<uint32_t>(end - i));
    w.out().Be(values[i]);
    ++count;
    i = end;
  }
  w.Patch(count_at, count);
}

}  // namespace

int64_t ClipWriter::Track::FirstShown() const {
  int64_t first = std::numeric_limits<int64_t>::max();
  for (const Sample& sample : samples) first = std::min(first, sample.dts + sample.cts_offset);
  return first;
}

// Players differ in what they make of a sample that is shown before it is decoded: everything is
// decoded so much earlier that there is none.
int32_t ClipWriter::Track::Lead() const {
  int32_t lead = 0;
  for (const Sample& sample : samples) lead = std::max(lead, -sample.cts_offset);
  return lead;
}

int64_t ClipWriter::Track::LastShown() const {
  int64_t last = 0;
  for (const Sample& sample : samples)
    last = std::max(last, sample.dts + sample.cts_offset + int64_t{sample.duration});
  return last;
}

// The sample table of one track.
class ClipWriter::Tables {
 public:
  Tables(const Track& track, bool video, uint64_t body_start)
      : samples_(track.samples), lead_(track.Lead()), video_(video), body_start_(body_start) {}

  void Write(BoxWriter& w) const {
    WriteTimes(w);
    WriteSync(w);
    WriteChunks(w);
  }

 private:
  void WriteTimes(BoxWriter& w) const {
    std::vector<uint32_t> durations;
    std::vector<int32_t> offsets;
    for (size_t i = 0; i < samples_.size(); ++i) {
      const bool last = i + 1 == samples_.size();
      durations.push_back(last ? samples_[i].duration
                               : static_cast<uint32_t>(samples_[i + 1].dts - samples_[i].dts));
      offsets.push_back(samples_[i].cts_offset + lead_);
    }
    {
      const Box stts(w, "stts", 0, 0);
      WriteRuns(w, durations);
    }
    if (std::any_of(offsets.begin(), offsets.end(), [](int32_t offset) { return offset != 0; })) {
      const Box ctts(w, "ctts", 0, 0);
      WriteRuns(w, offsets);
    }
    const Box stsz(w, "stsz", 0, 0);
    w.out().Be<uint32_t>(0);
    w.out().Be(static_cast<uint32_t>(samples_.size()));
    for (const Sample& sample : samples_) w.out().Be(sample.size);
  }

  void WriteSync(BoxWriter& w) const {
    // Without the box every sample is one.
    if (!video_) return;
    const Box stss(w, "stss", 0, 0);
    const size_t count_at = w.size();
    uint32_t count = 0;
    w.out().Be(count);
    for (size_t i = 0; i < samples_.size(); ++i) {
      if (!samples_[i].sync) continue;
      w.out().Be(static_cast<uint32_t>(i + 1));
      ++count;
    }
    w.Patch(count_at, count);
  }

  // Samples that lie one behind the other are a chunk.
  void WriteChunks(BoxWriter& w) const {
    std::vector<std::pair<uint64_t, uint32_t>> chunks;  // where, and how many samples
    uint64_t end = 0;
    for (const Sample& sample : samples_) {
      if (chunks.empty() || sample.offset != end) chunks.emplace_back(sample.offset, 0);
      ++chunks.back().second;
      end = sample.offset + sample.size;
    }
    {
      const Box stsc(w, "stsc", 0, 0);
      const size_t count_at = w.size();
      uint32_t count = 0;
      w.out().Be(count);
      for (size_t i = 0; i < chunks.size(); ++i) {
        if (i > 0 && chunks[i].second == chunks[i - 1].second) continue;
        w.out().Be(static_cast<uint32_t>(i + 1));
        w.out().Be(chunks[i].second);
        w.out().Be<uint32_t>(1);  // the only sample description
        ++count;
      }
      w.Patch(count_at, count);
    }
    const Box co64(w, "co64", 0, 0);
    w.out().Be(static_cast<uint32_t>(chunks.size()));
    for (const auto& [offset, count] : chunks) w.out().Be(body_start_ + offset);
  }

  const std::vector<Sample>& samples_;
  const int32_t lead_;
  const bool video_;
  const uint64_t body_start_;
};

ClipWriter::ClipWriter(TrackSet served)
    : tracks_(std::move(served)), samples_(tracks_.tracks.size()) {}

Status ClipWriter::AddFrame(const Frame& frame, uint64_t offset, int64_t shift_ms) {
  const TrackConfig* const track = tracks_.Find(frame.track);
  if (track == nullptr) return Status();  // it is not served
  const int64_t dts = frame.dts + shift_ms * int64_t{track->clock_rate} / 1000;
  std::vector<Sample>& samples =
      samples_[static_cast<size_t>(track - tracks_.tracks.data())].samples;
  const int64_t before = samples.empty() ? 0 : samples.back().dts;
  if (dts < before || dts - before > std::numeric_limits<uint32_t>::max()) {
    return Error(ErrorCode::kCorruption, fmt::format("frame of track {} at {}: decode time jumps",
                                                     frame.track, frame.offset));
  }
  samples.push_back(Sample{.offset = offset,
                           .size = frame.size,
                           .dts = dts,
                           .cts_offset = frame.cts_offset,
                           .duration = frame.duration,
                           .sync = frame.key});
  return Status();
}

Status ClipWriter::Add(const fragmenter::FrameTable& table, uint64_t cluster_bytes,
                       int64_t shift_ms, const std::vector<MadeTrack>& made,
                       const std::vector<MadeTrack>& remade) {
  Fragment fragment;
  const auto is_made = [&](uint32_t track) {
    return std::ranges::find(made, track, &MadeTrack::track) != made.end() ||
           std::ranges::find(remade, track, &MadeTrack::track) != remade.end();
  };
  uint64_t offset = body_bytes_;
  // Of one track after the other: fewer and longer chunks.
  for (const TrackConfig& track : tracks_.tracks) {
    if (is_made(track.number)) continue;
    for (const Frame& frame : table.frames) {
      if (frame.track != track.number) continue;
      if (uint64_t{frame.offset} + frame.size > cluster_bytes)
        return Error(ErrorCode::kCorruption, "a frame ends after its cluster");
      PS_TRY_VOID(AddFrame(frame, offset, shift_ms));
      offset += frame.size;
      std::vector<BodyRange>& body = fragment.body;
      if (!body.empty() && body.back().offset + body.back().size == frame.offset) {
        body.back().size += frame.size;
      } else if (frame.size > 0) {
        body.push_back({frame.offset, frame.size});
      }
    }
  }
  for (const MadeTrack& track : remade) {
    for (const Frame& frame : track.frames)
      PS_TRY_VOID(AddFrame(frame, offset + frame.offset, shift_ms));
    offset += track.bytes.size();
  }
  for (const MadeTrack& track : made) {
    if (tracks_.Find(track.track) == nullptr) continue;
    for (const Frame& frame : track.frames)
      PS_TRY_VOID(AddFrame(frame, offset + frame.offset, shift_ms));
    fragment.made.Append(track.bytes);
    offset += track.bytes.size();
  }
  body_bytes_ = offset;
  fragments_.push_back(std::move(fragment));
  return Status();
}

// The tracks that have a sample, and when the file is shown, in units of kMovieTimescale.
struct ClipWriter::Movie {
  TrackSet tracks;
  std::vector<const Track*> samples;
  int64_t begin = std::numeric_limits<int64_t>::max();  // of the first picture or sound
  int64_t end = 0;
};

ClipWriter::Movie ClipWriter::Describe() const {
  Movie movie;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const Track& track = samples_[i];
    if (track.samples.empty()) continue;
    const uint32_t clock_rate = tracks_.tracks[i].clock_rate;
    movie.tracks.tracks.push_back(tracks_.tracks[i]);
    movie.samples.push_back(&track);
    if (clock_rate == 0) continue;  // CheckPlayable says so
    movie.begin = std::min(movie.begin, ToMovie(track.FirstShown(), clock_rate));
    movie.end = std::max(movie.end, ToMovie(track.LastShown(), clock_rate));
  }
  return movie;
}

// Waits until the track's first sample is shown, and begins with that.
void ClipWriter::WriteTrack(BoxWriter& w, const TrackConfig& config, const Track& track,
                            int64_t begin, uint64_t body_start) {
  const int64_t first_dts = track.samples.front().dts;
  const int64_t first = track.FirstShown();
  const auto wait = static_cast<uint32_t>(ToMovie(first, config.clock_rate) - begin);
  const auto shown = static_cast<uint32_t>(ToMovie(track.LastShown() - first, config.clock_rate));
  mp4::TrakParts parts;
  parts.movie_duration = wait + shown;
  parts.media_duration =
      static_cast<uint64_t>(track.samples.back().dts - first_dts) + track.samples.back().duration;
  parts.edits = [&](BoxWriter& out) {
    const Box edts(out, "edts");
    const Box elst(out, "elst", 0, 0);
    out.out().Be<uint32_t>(wait > 0 ? 2 : 1);
    if (wait > 0) {
      out.out().Be(wait);
      out.out().Be<int32_t>(-1);  // nothing
      out.out().Be<uint32_t>(0x10000);
    }
    out.out().Be(shown);
    out.out().Be(static_cast<int32_t>(first - first_dts + track.Lead()));
    out.out().Be<uint32_t>(0x10000);
  };
  parts.tables = [&](BoxWriter& out) {
    Tables(track, IsVideo(config.codec), body_start).Write(out);
  };
  mp4::WriteTrak(w, config, parts);
}

Result<Bytes> ClipWriter::Head() const {
  const Movie movie = Describe();
  PS_TRY_VOID(mp4::CheckPlayable(movie.tracks));
  uint32_t last_number = 0;
  for (const TrackConfig& track : movie.tracks.tracks)
    last_number = std::max(last_number, track.number);
  const auto write = [&](BoxWriter& w, uint64_t body_start) {
    mp4::WriteFtyp(w);
    const Box moov(w, "moov");
    mp4::WriteMvhd(w, last_number + 1, static_cast<uint32_t>(movie.end - movie.begin));
    for (size_t i = 0; i < movie.samples.size(); ++i)
      WriteTrack(w, movie.tracks.tracks[i], *movie.samples[i], movie.begin, body_start);
  };
  const bool is_long = body_bytes_ + kMdatHead > std::numeric_limits<uint32_t>::max();
  // The offsets do not change the size of what they stand in.
  BoxWriter measure;
  write(measure, 0);
  BoxWriter w;
  write(w, measure.size() + (is_long ? kLongMdatHead : kMdatHead));
  w.out().Be(is_long ? uint32_t{1} : static_cast<uint32_t>(kMdatHead + body_bytes_));
  w.out().Text("mdat");
  if (is_long) w.out().Be(uint64_t{kLongMdatHead + body_bytes_});
  return w.Take();
}

}  // namespace penstock::playback
