#include "fragmenter/fragment_builder.h"

#include <algorithm>
#include <limits>

#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

int64_t ClusterMs(ProducerTime time) { return std::max<int64_t>(0, Rescale(ToUs(time), 1000, 1)); }

uint32_t Duration(int64_t ticks) {
  return static_cast<uint32_t>(std::clamp<int64_t>(ticks, 0, std::numeric_limits<uint32_t>::max()));
}

}  // namespace

FragmentBuilder::FragmentBuilder(Start start)
    : start_(std::move(start)), cluster_(static_cast<uint64_t>(ClusterMs(start_.producer_time))) {}

bool FragmentBuilder::HasTrack(uint32_t track) const {
  return std::ranges::any_of(table_.frames,
                             [&](const Frame& frame) { return frame.track == track; });
}

// Rounded as an absolute time, so that rounding adds up neither within a cluster nor across
// clusters.
int64_t FragmentBuilder::RelativeMs(int64_t pts_us) const {
  const int64_t cluster_ms = ClusterMs(start_.producer_time);
  return Rescale(std::max<int64_t>(0, ToUs(start_.producer_time)) + pts_us - start_.first_pts_us,
                 1000, 1) -
         cluster_ms;
}

bool FragmentBuilder::Reaches(int64_t pts_us) const {
  const int64_t ms = RelativeMs(pts_us);
  return ms >= mkv::kRelativeMsMin && ms <= mkv::kRelativeMsMax;
}

Frame* FragmentBuilder::LastOf(uint32_t track) {
  const auto found = std::find_if(table_.frames.rbegin(), table_.frames.rend(),
                                  [&](const Frame& frame) { return frame.track == track; });
  return found == table_.frames.rend() ? nullptr : &*found;
}

void FragmentBuilder::EndTrack(uint32_t track, int64_t dts) {
  Frame* const last = LastOf(track);
  if (last != nullptr && dts > last->dts) last->duration = Duration(dts - last->dts);
}

void FragmentBuilder::NoteJump(int64_t raw_producer_us) {
  if (!table_.raw_producer_us) table_.raw_producer_us = raw_producer_us;
}

void FragmentBuilder::Add(const AccessUnit& unit, Run::Place place, int64_t pts_us) {
  const bool video = IsVideo(start_.tracks->Find(unit.track)->codec);
  if (video) EndTrack(unit.track, place.dts);
  Frame frame;
  frame.track = unit.track;
  frame.key = unit.key || !video;
  frame.offset = cluster_.AddFrame(unit.track, RelativeMs(pts_us), frame.key, unit.data);
  frame.size = static_cast<uint32_t>(unit.data.size());
  frame.dts = place.dts;
  frame.cts_offset = static_cast<int32_t>(std::clamp<int64_t>(
      place.cts_offset, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  // A picture's own word about its duration is not taken: the next picture tells.
  frame.duration = video ? 0 : Duration(unit.duration);
  table_.frames.push_back(frame);
  damaged_ = damaged_ || unit.damaged;
}

// For a last picture that no other follows: as long as the one before it, or a twenty-fifth of a
// second.
int64_t FragmentBuilder::NominalDuration(uint32_t track) const {
  int64_t duration = start_.tracks->Find(track)->clock_rate / 25;
  for (const Frame& frame : table_.frames) {
    if (frame.track == track && frame.duration > 0) duration = frame.duration;
  }
  return duration;
}

Fragment FragmentBuilder::Finish() && {
  Fragment out;
  int64_t lead_ticks = 0;
  for (const TrackConfig& track : start_.tracks->tracks) {
    Frame* const last = LastOf(track.number);
    if (last == nullptr) continue;
    if (last->duration == 0) last->duration = Duration(NominalDuration(track.number));
    if (track.number != start_.lead) continue;
    const auto first = std::ranges::find(table_.frames, track.number, &Frame::track);
    lead_ticks = last->dts + last->duration - first->dts;
    out.duration = std::chrono::microseconds(TicksToUs(lead_ticks, track.clock_rate));
  }
  out.tracks = start_.tracks;
  out.starts_run = start_.starts_run;
  out.cluster = cluster_.Finish();
  out.received = start_.received;
  out.producer_time = start_.producer_time;
  out.flags.damaged = damaged_;
  out.flags.no_keyframe = !start_.starts_with_key;
  out.flags.clock_jump = table_.raw_producer_us.has_value();
  out.flags.producer_time_sane = start_.producer_time_sane;
  out.frames = std::move(table_);
  return out;
}

}  // namespace penstock::fragmenter
