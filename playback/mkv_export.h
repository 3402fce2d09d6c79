// A stored range as Matroska: for `penstock export` and for anyone who wants a file.
//
// A Matroska document has one set of tracks. Where the track set changes within the range (another
// resolution, another codec) the document ends and another begins: files of their own, because
// players do not follow concatenated Segments. The plan says beforehand how many there will be and
// how large, so that the caller can name and size them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/task.h"
#include "store/shard.h"

namespace penstock::playback {

// Fragments of one track set, in order, holes left out.
struct ExportDocument {
  store::TrackSetId track_set = 0;
  std::vector<store::ItemRef> fragments;  // at least one
  std::chrono::microseconds duration{0};  // of the media; holes take no time in the document
  uint64_t body_bytes = 0;                // of the clusters; the header comes on top
};

struct ExportPlan {
  std::vector<ExportDocument> documents;  // at least one
  uint64_t gaps = 0;                      // holes and lost fragments within the range
};

// The longest export; one file of it is 20 GB at 2 Mbit/s. The plan holds 200 bytes a fragment.
inline constexpr std::chrono::hours kExportRangeMax{24};

// From the index alone. The range is [start, end) by server time; the first fragment is the one
// that contains the start. kInvalidArgument: end not after start. kTooLarge: longer than
// kExportRangeMax. kNotFound: nothing stored there.
Task<Result<ExportPlan>> PlanExport(std::shared_ptr<store::Shard> shard, ServerTime start,
                                    ServerTime end);

struct ExportProgress {
  uint64_t fragments_done = 0;  // written or lost
  uint64_t fragments_lost = 0;  // trimmed or damaged since the plan was made: left out
  uint64_t bytes_written = 0;
};

// Takes the document's bytes in order; an error ends the export with it.
using ExportSink = std::function<Task<Status>(ByteChain)>;
// Called after every fragment, on the executor of the export.
using ExportProgressCallback = std::function<void(const ExportProgress&)>;

// Writes one document: the header of its track set, then its clusters, copied from store to sink
// one at a time, with their timestamps rewritten so that the first is 0 and a hole takes no time.
// Other errors than a lost fragment end it. Coroutine: sink, callback and token live in the frame.
Task<Result<ExportProgress>> WriteExportDocument(std::shared_ptr<store::Shard> shard,
                                                 ExportDocument document, ExportSink sink,
                                                 ExportProgressCallback on_progress,
                                                 CancelToken token);

// The cluster with another timestamp; shares all bytes but the first piece's head. kCorruption if
// it is not a cluster made by us.
Result<ByteChain> WithTimestamp(const ByteChain& cluster, uint64_t timestamp_ms);
Result<uint64_t> TimestampOf(const ByteChain& cluster);

}  // namespace penstock::playback
