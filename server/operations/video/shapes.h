// Pieces of inputs that several operations of the video services share.
#pragma once

#include "server/wire/patterns.h"
#include "server/wire/shape.h"

namespace penstock::server::aws::video {

using wire::Kind;
using wire::Member;
using wire::Shape;

inline constexpr Shape kStreamNameShape{.min = 1, .max = 256, .pattern = &wire::kName};
inline constexpr Shape kStreamArnShape{.min = 1, .max = 1024, .pattern = &wire::kVideoArn};
inline constexpr Shape kVersionShape{.min = 1, .max = 64, .pattern = &wire::kWord};
inline constexpr Shape kTimestampShape{.kind = Kind::kTimestamp};
inline constexpr Shape kFragmentNumberShape{.min = 1, .max = 128, .pattern = &wire::kDigits};

}  // namespace penstock::server::aws::video
