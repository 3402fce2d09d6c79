// Stored clusters in a Matroska document of another time.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::server {

// The cluster, one of ours, with this time stamp, milliseconds (0 for those before 0); shares all
// memory but its first bytes. kCorruption for a body that is too short to be a cluster.
Result<ByteChain> WithTimestamp(const ByteChain& cluster, int64_t milliseconds);

// The same of one that was uploaded, in its document's scale. It may become some bytes longer or
// shorter. kCorruption for a body that does not begin with a cluster.
Result<ByteChain> WithUploadTimestamp(const ByteChain& cluster, int64_t time);

// What the times of a document count in, nanoseconds.
int64_t TimestampScaleOf(ByteSpan document);

}  // namespace penstock::server
