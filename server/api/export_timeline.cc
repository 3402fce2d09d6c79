#include "server/api/export_timeline.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/byte_io.h"

namespace penstock::server {
namespace {

// A block's time and its flags stand right before its frame.
constexpr size_t kBlockTimeOffset = 3;

Error Misfit(const char* what) { return Error(ErrorCode::kCorruption, what); }

}  // namespace

Result<int64_t> RunTimeMs(const fragmenter::TrackSet& tracks, const fragmenter::FrameTable& table,
                          const ByteChain& cluster, int64_t scale_ns) {
  if (table.frames.empty()) return Misfit("a frame table without a frame");
  const fragmenter::Frame& frame = table.frames.front();
  const fragmenter::TrackConfig* const track = tracks.Find(frame.track);
  if (track == nullptr || track->clock_rate == 0) return Misfit("a frame of an unknown track");
  if (frame.offset < kBlockTimeOffset || frame.offset > cluster.size())
    return Misfit("a frame outside of its cluster");
  const Bytes head = cluster.Slice(frame.offset - kBlockTimeOffset, 2).Flatten();
  const int64_t block_ms = ByteReader(head).Be<int16_t>() * scale_ns / 1'000'000;
  const double seconds =
      static_cast<double>(frame.dts + frame.cts_offset) / static_cast<double>(track->clock_rate);
  return std::llround(seconds * 1000) - block_ms;
}

int64_t EarliestMs(const fragmenter::TrackSet& tracks, const fragmenter::FrameTable& table) {
  int64_t earliest = std::numeric_limits<int64_t>::max();
  for (const fragmenter::Frame& frame : table.frames) {
    const fragmenter::TrackConfig* const track = tracks.Find(frame.track);
    if (track == nullptr || track->clock_rate == 0) continue;
    const double seconds = static_cast<double>(frame.dts) / track->clock_rate;
    earliest = std::min(earliest, static_cast<int64_t>(std::floor(seconds * 1000)));
  }
  return earliest;
}

bool ExportTimeline::BeginsDocument(const store::ItemHeader& item) const {
  return !track_set_ || *track_set_ != item.track_set;
}

int64_t ExportTimeline::Add(const store::ItemHeader& item, int64_t run_ms) {
  if (BeginsDocument(item)) {
    track_set_ = item.track_set;
    origin_ = item.server_time;
    run_.reset();
    end_ms_ = 0;
  }
  if (!run_ || *run_ != item.run) {
    run_ = item.run;
    // Receipt times of two runs may overlap a little (a camera that sends a burst after it
    // reconnects); documents may not.
    shift_ms_ = std::max((item.server_time - *origin_).count(), end_ms_) - run_ms;
  }
  end_ms_ = run_ms + shift_ms_ +
            std::chrono::duration_cast<std::chrono::milliseconds>(item.duration).count();
  return shift_ms_;
}

}  // namespace penstock::server
