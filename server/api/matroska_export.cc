#include "server/api/matroska_export.h"

#include <algorithm>

#include "base/byte_io.h"
#include "fragmenter/media.h"

namespace penstock::server {

Result<ByteChain> WithTimestamp(const ByteChain& cluster, int64_t milliseconds) {
  constexpr size_t kTimestampBytes = 8;
  const size_t head_bytes = fragmenter::kClusterTimestampOffset + kTimestampBytes;
  if (cluster.size() < head_bytes) {
    return Error(ErrorCode::kCorruption, "a stored fragment is too short to be a cluster");
  }
  ByteWriter rewritten;
  rewritten.Raw(cluster.Slice(0, fragmenter::kClusterTimestampOffset).Flatten());
  rewritten.Be<int64_t>(std::max<int64_t>(milliseconds, 0));
  ByteChain out(rewritten.Take());
  out.Append(cluster.Slice(head_bytes, cluster.size() - head_bytes));
  return out;
}

}  // namespace penstock::server
