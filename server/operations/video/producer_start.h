// When a producer says that its recording began.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace penstock::server::aws::video {

// x-amzn-producer-start-timestamp, in nanoseconds since 1970: seconds with any number of decimals,
// or RFC 3339. `short_is_ms`: fewer than three decimals are a count of milliseconds, as the C
// producer writes them ("1768478400.5" means .005). kInvalidArgument.
Result<int64_t> ParseProducerStart(std::string_view text, bool short_is_ms);

}  // namespace penstock::server::aws::video
