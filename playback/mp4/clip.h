// Stored fragments as one ordinary MP4 file (ISO/IEC 14496-12, not fragmented): everything that a
// player must know comes first, so that it begins before the file has come, and every program that
// knows MP4 reads it. No sample is copied.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/mp4/media_segment.h"

namespace penstock::playback {

namespace mp4 {
class BoxWriter;
}

// Told of all fragments first, then says how the file begins and which bytes of each follow.
class ClipWriter {
 public:
  // `served`: ServedTracks of what is stored.
  explicit ClipWriter(fragmenter::TrackSet served);

  // The next fragment; it lies `shift_ms` later in the file than in its run. `made` takes the place
  // of frames that are not served as they are stored, and so does `remade`, whose bytes are not
  // kept: whoever sends them makes them again. kCorruption: the table does not fit the
  // tracks or the cluster, or the media would begin before the file or run backwards.
  Status Add(const fragmenter::FrameTable& table, uint64_t cluster_bytes, int64_t shift_ms,
             const std::vector<MadeTrack>& made, const std::vector<MadeTrack>& remade = {});

  // ftyp, moov and the head of the mdat. kCorruption: tracks that MP4 cannot describe, or no frame.
  Result<Bytes> Head() const;
  // Of the fragment that was added as the i-th: these ranges of its cluster, then what is made
  // again, then these bytes.
  const std::vector<BodyRange>& Body(size_t i) const { return fragments_[i].body; }
  const ByteChain& Made(size_t i) const { return fragments_[i].made; }
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  struct Sample {
    uint64_t offset = 0;  // in the body of the mdat
    uint32_t size = 0;
    int64_t dts = 0;  // ticks from the beginning of the file
    int32_t cts_offset = 0;
    uint32_t duration = 0;  // as its own frame says; counts for the last one only
    bool sync = false;
  };
  struct Track {
    std::vector<Sample> samples;
    int64_t FirstShown() const;  // ticks
    int64_t LastShown() const;   // the end of it
    int32_t Lead() const;        // ticks
  };
  struct Fragment {
    std::vector<BodyRange> body;
    ByteChain made;
  };
  class Tables;
  struct Movie;

  Movie Describe() const;
  static void WriteTrack(mp4::BoxWriter& w, const fragmenter::TrackConfig& config,
                         const Track& track, int64_t begin, uint64_t body_start);
  Status AddFrame(const fragmenter::Frame& frame, uint64_t offset, int64_t shift_ms);

  const fragmenter::TrackSet tracks_;
  std::vector<Track> samples_;  // as tracks_
  std::vector<Fragment> fragments_;
  uint64_t body_bytes_ = 0;
};

}  // namespace penstock::playback
