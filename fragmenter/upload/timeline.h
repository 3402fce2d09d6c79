// Where the frames of uploaded fragments lie in their run: blocks say milliseconds, playback wants
// decode times.
#pragma once

#include <memory>
#include <vector>

#include "fragmenter/upload/parser.h"

namespace penstock::fragmenter {

// What playback needs of an uploaded fragment.
struct PlacedUpload {
  FrameTable frames;  // of playable tracks
  std::chrono::microseconds duration{0};
  bool starts_run = false;
  bool no_keyframe = false;
};

// Fragments of one stream in the order in which they end, whatever connection brought them. One is
// of the run of the one before if its header is equal and it begins where that ended: at most half
// a second earlier, at most limits::kPauseNoHole later. A run's tracks begin together at zero.
//
// Pictures: decode times are the fragment's presentation times in ascending order. Sound counts its
// samples and is put right at a fragment's begin if it is off by more than 10 ms, within one only
// where units are missing: the milliseconds of blocks would make it stutter. Pure; one thread at a
// time.
class UploadTimeline {
 public:
  // `base_ns`: what the timecodes count from, nanoseconds since 1970.
  PlacedUpload Place(const UploadFragment& fragment, int64_t base_ns);
  // What comes next starts a run.
  void Break() { header_.reset(); }

 private:
  struct Line {
    uint32_t track = 0;
    int64_t skew_ns = 0;
    int64_t next_dts = 0;  // where the track's last frame ended
    int64_t last_dts = -1;
    int64_t duration = 0;  // of its last frame, ticks
  };
  struct Lane;

  bool Continues(const UploadHeader& header, int64_t start_ns) const;
  void BeginRun(const std::vector<Lane>& lanes, int64_t start_ns, const UploadFragment& fragment);
  void PlacePictures(Lane& lane, std::vector<Frame>& frames);
  void PlaceSound(Lane& lane, const UploadFragment& fragment, std::vector<Frame>& frames);
  Line& LineOf(uint32_t track);

  std::shared_ptr<const UploadHeader> header_;  // of the run; null: there is none
  int64_t origin_ns_ = 0;
  int64_t end_ns_ = 0;
  std::vector<Line> lines_;
};

}  // namespace penstock::fragmenter
