// Stored clusters in a Matroska document of another time.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::server {

// The cluster with this time stamp, in its document's scale (0 for those before 0); shares all
// memory but its first bytes. One of ours keeps its length; one that was uploaded may become a few
// bytes longer or shorter. kCorruption for a body that does not begin with a cluster.
Result<ByteChain> WithTimestamp(const ByteChain& cluster, int64_t time);

// What the times of a document count in, nanoseconds.
int64_t TimestampScaleOf(ByteSpan document);

}  // namespace penstock::server
