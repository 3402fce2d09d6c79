// Fragments as one Matroska document: headers where the tracks change, clusters with continuous
// time stamps. Pure.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "fragmenter/media.h"
#include "store/item.h"

namespace penstock::server {

// Where a fragment's cluster begins within its run, milliseconds: the time its blocks count from.
// The cluster's own time stamp is the producer's clock, which is corrected while the run goes on.
// kCorruption: table, tracks and cluster do not fit.
Result<int64_t> RunTimeMs(const fragmenter::TrackSet& tracks, const fragmenter::FrameTable& table,
                          const ByteChain& cluster);

// Decides what precedes each fragment and which time stamp its cluster gets. Time runs as the
// server's clock saw it, from the first fragment on, so that a hole in the recording is a hole in
// the file; within a run it is the run's own, exactly. A change of tracks starts a new document
// after the first one, as GetMedia of Kinesis Video Streams does.
class MatroskaExport {
 public:
  // True if the track set's header must be written before this fragment.
  bool NeedsHeader(const store::ItemHeader& item) const;

  // The fragment's cluster, which begins at `run_ms` of its run, with its time stamp rewritten;
  // shares all memory but its first bytes. kCorruption for a body that is too short to be a
  // cluster.
  Result<ByteChain> Add(const store::ItemHeader& item, int64_t run_ms, const ByteChain& cluster);

 private:
  std::optional<ServerTime> origin_;  // of the document under way
  std::optional<store::TrackSetId> track_set_;
  std::optional<store::RunId> run_;
  int64_t shift_ms_ = 0;  // document time - time of the run, constant within a run
  int64_t end_ms_ = 0;    // document time at which the newest cluster ends
};

}  // namespace penstock::server
