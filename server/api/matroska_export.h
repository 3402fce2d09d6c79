// Stored clusters in a Matroska document of another time.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::server {

// The cluster with this time stamp, milliseconds (0 for those before 0); shares all memory but its
// first bytes. kCorruption for a body that is too short to be a cluster.
Result<ByteChain> WithTimestamp(const ByteChain& cluster, int64_t milliseconds);

}  // namespace penstock::server
