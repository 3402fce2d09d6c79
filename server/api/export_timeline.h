// Where fragments lie in an exported file. Pure.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "store/item.h"

namespace penstock::server {

// Where a fragment's cluster begins within its run, milliseconds: the time its blocks count from.
// A block's time counts in `scale_ns`. The cluster's own time stamp is the producer's clock, which
// is corrected while the run goes on. kCorruption: table, tracks and cluster do not fit.
Result<int64_t> RunTimeMs(const fragmenter::TrackSet& tracks, const fragmenter::FrameTable& table,
                          const ByteChain& cluster, int64_t scale_ns = 1'000'000);

// Where a fragment's earliest frame is decoded within its run, milliseconds: in clusters that
// others made, it may be before the cluster's own time. Requires a table with frames.
int64_t EarliestMs(const fragmenter::TrackSet& tracks, const fragmenter::FrameTable& table);

// Time runs as the server's clock saw it, from the first fragment on, so that a hole in the
// recording is a hole in the file; within a run it is the run's own, exactly. A change of tracks
// starts a new document, as GetMedia of Kinesis Video Streams does. A value: a copy tries what may
// fail.
class ExportTimeline {
 public:
  // True if another document begins with this fragment.
  bool BeginsDocument(const store::ItemHeader& item) const;
  // The fragment, which begins at `run_ms` of its run, comes next. How much later it is in its
  // document than in its run, milliseconds.
  int64_t Add(const store::ItemHeader& item, int64_t run_ms);

 private:
  std::optional<ServerTime> origin_;  // of the document under way
  std::optional<store::TrackSetId> track_set_;
  std::optional<store::RunId> run_;
  int64_t shift_ms_ = 0;  // document time - time of the run, constant within a run
  int64_t end_ms_ = 0;    // document time at which the newest fragment ends
};

}  // namespace penstock::server
