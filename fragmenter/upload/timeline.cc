#include "fragmenter/upload/timeline.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/opus.h"
#include "fragmenter/timeline/ticks.h"

namespace penstock::fragmenter {
namespace {

constexpr int64_t kNs = 1'000'000'000;
constexpr int64_t kOverlapNs = kNs / 2;
constexpr int64_t kOffNs = 10'000'000;
// Of a picture that nothing says how long it is shown.
constexpr int64_t kPictureNs = 40'000'000;

bool SameTracks(const UploadHeader& a, const UploadHeader& b) {
  return &a == &b || (AsText(a.document) == AsText(b.document) && a.playable == b.playable);
}

uint32_t Duration(int64_t ticks) {
  return static_cast<uint32_t>(std::clamp<int64_t>(ticks, 0, std::numeric_limits<uint32_t>::max()));
}

// Ticks of one unit of sound.
int64_t UnitTicks(const TrackConfig& config, const UploadFragment& fragment,
                  const UploadBlock& block) {
  switch (config.codec) {
    case Codec::kAac: {
      const Result<AacConfig> aac = ParseAudioSpecificConfig(config.codec_private);
      return aac.ok() ? aac->frame_samples : 1024;
    }
    case Codec::kOpus: {
      const size_t head = std::min<size_t>(block.size, 2);
      const Bytes bytes = fragment.body.Slice(block.offset, head).Flatten();
      return bytes.empty() ? 0 : OpusPacketSamples(bytes);
    }
    default:
      return block.size / std::max(1u, config.channels);
  }
}

}  // namespace

// The blocks of one track in a fragment.
struct UploadTimeline::Lane {
  const TrackConfig* config = nullptr;
  int64_t default_duration_ns = 0;
  std::vector<size_t> blocks;  // indices, in decoding order
  std::vector<size_t> frames;  // of the same, in the frame table
  std::vector<int64_t> ns;     // presentation times of the same
  std::vector<int64_t> said;   // durations, ns; 0: not said

  bool video() const { return IsVideo(config->codec); }
  int64_t first_ns() const { return *std::ranges::min_element(ns); }
  int64_t Ticks(int64_t ns_since_origin) const {
    return Rescale(ns_since_origin, kNs, config->clock_rate);
  }
};

UploadTimeline::Line& UploadTimeline::LineOf(uint32_t track) {
  const auto found = std::ranges::find(lines_, track, &Line::track);
  if (found != lines_.end()) return *found;
  return lines_.emplace_back(Line{.track = track});
}

bool UploadTimeline::Continues(const UploadHeader& header, int64_t start_ns) const {
  if (!header_ || !SameTracks(*header_, header)) return false;
  const int64_t late_ns = start_ns - end_ns_;
  return late_ns >= -kOverlapNs && late_ns <= limits::kPauseNoHole.count() * 1'000'000;
}

// The lead's first picture is where the run begins, unless sound begins clearly before it.
void UploadTimeline::BeginRun(const std::vector<Lane>& lanes, int64_t start_ns,
                              const UploadFragment& fragment) {
  header_ = fragment.header;
  lines_.clear();
  origin_ns_ = start_ns;
  for (const Lane& lane : lanes) {
    const int64_t early_ns = start_ns - lane.first_ns();
    const int64_t unit =
        lane.video() ? 0 : UnitTicks(*lane.config, fragment, fragment.blocks[lane.blocks[0]]);
    const int64_t half_ns = Rescale(unit, lane.config->clock_rate, kNs) / 2;
    if (early_ns != 0 && std::abs(early_ns) <= half_ns) {
      LineOf(lane.config->number).skew_ns = early_ns;
    } else {
      origin_ns_ = std::min(origin_ns_, lane.first_ns());
    }
  }
}

void UploadTimeline::PlacePictures(Lane& lane, std::vector<Frame>& frames) {
  Line& line = LineOf(lane.config->number);
  std::vector<int64_t> pts;
  for (const int64_t ns : lane.ns) pts.push_back(lane.Ticks(ns - origin_ns_ + line.skew_ns));
  std::vector<int64_t> dts = pts;
  std::ranges::sort(dts);
  for (int64_t& time : dts) {
    time = std::max(time, line.last_dts + 1);
    line.last_dts = time;
  }
  for (size_t i = 0; i < pts.size(); ++i) {
    int64_t duration = 0;
    if (i + 1 < pts.size()) {
      duration = dts[i + 1] - dts[i];
    } else {
      const int64_t said_ns = lane.said[i] != 0 ? lane.said[i] : lane.default_duration_ns;
      duration = said_ns != 0 ? lane.Ticks(said_ns) : line.duration;
      if (duration == 0) duration = lane.Ticks(kPictureNs);
    }
    line.duration = duration;
    Frame& frame = frames[lane.frames[i]];
    frame.dts = dts[i];
    frame.cts_offset = static_cast<int32_t>(pts[i] - dts[i]);
    frame.duration = Duration(duration);
  }
  line.next_dts = dts.back() + line.duration;
}

void UploadTimeline::PlaceSound(Lane& lane, const UploadFragment& fragment,
                                std::vector<Frame>& frames) {
  Line& line = LineOf(lane.config->number);
  const int64_t off = lane.Ticks(kOffNs);
  for (size_t i = 0; i < lane.ns.size(); ++i) {
    const int64_t unit = UnitTicks(*lane.config, fragment, fragment.blocks[lane.blocks[i]]);
    const int64_t said = lane.Ticks(lane.ns[i] - origin_ns_ + line.skew_ns);
    const int64_t late = said - line.next_dts;
    // At the begin it may be early as well; within a fragment that is the rounding of blocks.
    const bool moved = i == 0 ? std::abs(late) > off : late > std::max(unit / 2, off);
    const int64_t dts =
        std::max(moved || line.last_dts < 0 ? said : line.next_dts, line.last_dts + 1);
    line.last_dts = dts;
    line.next_dts = dts + unit;
    line.duration = unit;
    Frame& frame = frames[lane.frames[i]];
    frame.dts = dts;
    frame.duration = Duration(unit);
  }
}

PlacedUpload UploadTimeline::Place(const UploadFragment& fragment, int64_t base_ns) {
  PlacedUpload out;
  std::vector<Lane> lanes;
  const UploadHeader& header = *fragment.header;
  int64_t first_ns = std::numeric_limits<int64_t>::max();
  int64_t last_ns = std::numeric_limits<int64_t>::min();
  for (size_t i = 0; i < fragment.blocks.size(); ++i) {
    const UploadBlock& block = fragment.blocks[i];
    const int64_t ns = base_ns + block.time * header.scale_ns;
    first_ns = std::min(first_ns, ns);
    last_ns = std::max(last_ns, ns);
    const TrackConfig* const config = header.playable.Find(block.track);
    if (config == nullptr) continue;
    auto lane = std::ranges::find(lanes, config, &Lane::config);
    if (lane == lanes.end()) {
      lanes.emplace_back().config = config;
      lane = lanes.end() - 1;
      lane->default_duration_ns = header.Find(block.track)->default_duration_ns;
    }
    lane->blocks.push_back(i);
    lane->frames.push_back(out.frames.frames.size());
    lane->ns.push_back(ns);
    lane->said.push_back(std::min(block.duration, kNs) * header.scale_ns);
    Frame frame;
    frame.track = block.track;
    frame.key = block.key || !IsVideo(config->codec);
    frame.offset = block.offset;
    frame.size = block.size;
    out.frames.frames.push_back(frame);
  }
  const auto video = std::ranges::find_if(lanes, &Lane::video);
  const Lane* const lead = video != lanes.end() ? &*video : lanes.empty() ? nullptr : &lanes[0];
  const int64_t start_ns = lead != nullptr ? lead->first_ns() : first_ns;
  if (!Continues(header, start_ns)) {
    out.starts_run = true;
    BeginRun(lanes, start_ns, fragment);
  }
  for (Lane& lane : lanes) {
    if (lane.video()) {
      PlacePictures(lane, out.frames.frames);
    } else {
      PlaceSound(lane, fragment, out.frames.frames);
    }
  }
  int64_t length_ns = last_ns - first_ns;
  if (lead != nullptr) {
    const Frame& first = out.frames.frames[lead->frames.front()];
    length_ns =
        Rescale(LineOf(lead->config->number).next_dts - first.dts, lead->config->clock_rate, kNs);
    out.no_keyframe = lead->video() && !first.key;
  }
  out.duration = std::chrono::microseconds(length_ns / 1000);
  end_ns_ = start_ns + length_ns;
  return out;
}

}  // namespace penstock::fragmenter
