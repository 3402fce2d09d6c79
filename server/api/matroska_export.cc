#include "server/api/matroska_export.h"

#include <algorithm>

#include "base/byte_io.h"
#include "fragmenter/media.h"

namespace penstock::server {
namespace {

constexpr size_t kTimestampBytes = 8;

}  // namespace

bool MatroskaExport::NeedsHeader(const store::ItemHeader& item) const {
  return !track_set_ || *track_set_ != item.track_set;
}

Result<ByteChain> MatroskaExport::Add(const store::ItemHeader& item, const ByteChain& cluster) {
  const size_t head_bytes = fragmenter::kClusterTimestampOffset + kTimestampBytes;
  if (cluster.size() < head_bytes) {
    return Error(ErrorCode::kCorruption, "a stored fragment is too short to be a cluster");
  }
  const Bytes head = cluster.Slice(0, head_bytes).Flatten();
  ByteReader reader(head.span().subspan(fragmenter::kClusterTimestampOffset));
  const auto stamp = reader.Be<int64_t>();

  if (NeedsHeader(item)) {
    track_set_ = item.track_set;
    origin_ = item.server_time;
    run_.reset();
    end_ms_ = 0;
  }
  if (!run_ || *run_ != item.run) {
    run_ = item.run;
    // Receipt times of two runs may overlap a little (a camera that sends a burst after it
    // reconnects); documents may not.
    shift_ms_ = std::max((item.server_time - *origin_).count(), end_ms_) - stamp;
  }
  const int64_t shifted = std::max<int64_t>(stamp + shift_ms_, 0);
  end_ms_ = shifted + std::chrono::duration_cast<std::chrono::milliseconds>(item.duration).count();

  ByteWriter rewritten;
  rewritten.Raw(head.span().first(fragmenter::kClusterTimestampOffset));
  rewritten.Be<int64_t>(shifted);
  ByteChain out(rewritten.Take());
  out.Append(cluster.Slice(head_bytes, cluster.size() - head_bytes));
  return out;
}

}  // namespace penstock::server
