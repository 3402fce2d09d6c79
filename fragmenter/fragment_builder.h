// One fragment while it is filled: cluster and frame table side by side.
#pragma once

#include <optional>

#include "fragmenter/fragmenter.h"
#include "fragmenter/mkv/cluster_writer.h"
#include "fragmenter/run.h"

namespace penstock::fragmenter {

class FragmentBuilder {
 public:
  struct Start {
    std::shared_ptr<const TrackSet> tracks;
    uint32_t lead = 0;
    bool starts_run = false;
    int64_t first_pts_us = 0;    // run-relative
    int64_t relative_us = 0;     // its first unit on the run's common line
    ProducerTime producer_time;  // of its first frame
    bool producer_time_sane = false;
    bool starts_with_key = true;
    ServerTime received;
  };
  explicit FragmentBuilder(Start start);

  const Start& start() const { return start_; }
  size_t size() const { return cluster_.size(); }
  bool HasTrack(uint32_t track) const;

  // Whether a block can say this time.
  bool Reaches(int64_t pts_us) const;
  // Requires Reaches(pts_us). The duration of the track's frame before it becomes known by this.
  void Add(const AccessUnit& unit, Run::Place place, int64_t pts_us);
  // The decode time at which the track goes on after this fragment.
  void EndTrack(uint32_t track, int64_t dts);
  // At most one is kept: the first.
  void NoteJump(int64_t raw_producer_us);

  Fragment Finish() &&;

 private:
  int64_t RelativeMs(int64_t pts_us) const;
  Frame* LastOf(uint32_t track);
  int64_t NominalDuration(uint32_t track) const;

  Start start_;
  mkv::ClusterWriter cluster_;
  FrameTable table_;
  bool damaged_ = false;
};

}  // namespace penstock::fragmenter
