// A media segment: a moof made from a frame table, and the stored cluster's bytes as its mdat. No
// sample is copied.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/mp4/layout.h"

namespace penstock::playback {

// Bytes of the cluster: [offset, offset + size).
struct BodyRange {
  uint32_t offset = 0;
  uint32_t size = 0;
  friend bool operator==(const BodyRange&, const BodyRange&) = default;
};

// What takes the place of a track's frames: samples that are not stored.
struct MadeTrack {
  uint32_t track = 0;
  std::vector<fragmenter::Frame> frames;  // offsets are into `bytes`
  ByteChain bytes;
};

struct MediaSegment {
  Bytes head;                   // moof and the head of the mdat
  std::vector<BodyRange> body;  // what follows it, in this order
  ByteChain tail;               // and after that: what was made
};

// moof{mfhd, traf{tfhd, tfdt, trun...}...} + mdat head for one fragment. The bytes depend on the
// arguments alone. Decode times are the table's (run-relative); `sequence` becomes the mfhd's
// number (players ignore it; modulo 2^32). A sample's duration is the distance to the next one of
// its track, so that times do not drift within a fragment. Frames of a track in `made` are left out
// for those there. kCorruption if the table and the cluster do not fit: a frame outside of it, out
// of order, or of an unknown track; no frame.
Result<MediaSegment> MakeMediaSegment(const fragmenter::TrackSet& tracks,
                                      const fragmenter::FrameTable& table, uint64_t cluster_bytes,
                                      uint64_t sequence, Layout layout,
                                      const std::vector<MadeTrack>& made = {});

// The segment's bytes over a cluster in memory: slices of it behind the head. Requires that it is
// the cluster the ranges were made for.
ByteChain AssembleSegment(const MediaSegment& segment, const ByteChain& cluster);

}  // namespace penstock::playback
