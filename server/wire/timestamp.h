// Points in time as the JSON protocols write them.
#pragma once

#include "base/json.h"
#include "base/time.h"
#include "store/shard.h"

namespace penstock::server::wire {

// Seconds since 1970 as a number, whole or not, or RFC 3339 as text; in microseconds, rounded.
// kInvalidArgument for anything else, and for times before year 1 or after 9999.
Result<int64_t> ParseTimestamp(const Json& value);

// What began within a range of milliseconds, both included. Clients know no finer time: a producer
// time of 5.0004 s was told them as 5.000, and that has to find it again.
store::TimeRange ServerRange(int64_t from_us, int64_t to_us);
store::TimeRange ProducerRange(int64_t from_us, int64_t to_us);

// Seconds with three decimals at most: 1768478400.123.
Json ToTimestamp(ServerTime time);
Json ToTimestamp(ProducerTime time);

}  // namespace penstock::server::wire
