// Points in time as the JSON protocols write them.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace penstock::server::wire {

// Seconds since 1970 as a number, whole or not, or RFC 3339 as text; in microseconds, rounded.
// kInvalidArgument for anything else, and for times before year 1 or after 9999.
Result<int64_t> ParseTimestamp(const Json& value);

// Seconds with three decimals at most: 1768478400.123.
Json ToTimestamp(ServerTime time);
Json ToTimestamp(ProducerTime time);

}  // namespace penstock::server::wire
