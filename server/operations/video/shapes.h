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
inline constexpr Shape kNextTokenShape{.min = 0, .max = 1024, .pattern = &wire::kBase64};
inline constexpr Shape kDeviceNameShape{.min = 1, .max = 128, .pattern = &wire::kName};
inline constexpr Shape kMediaTypeShape{.min = 1, .max = 128, .pattern = &wire::kMediaTypes};
inline constexpr Shape kFragmentNumberShape{.min = 1, .max = 128, .pattern = &wire::kDigits};

inline constexpr std::string_view kStorageTiers[] = {"HOT", "WARM"};
inline constexpr Shape kStorageTierShape{.values = kStorageTiers};
inline constexpr Member kStorageMembers[] = {{"DefaultStorageTier", &kStorageTierShape, true}};
inline constexpr Shape kStorageShape{.kind = Kind::kStructure, .members = kStorageMembers};

// A stream by its name or its ARN: the whole input of many operations.
inline constexpr Member kStreamMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
};
inline constexpr Shape kStreamShape{.kind = Kind::kStructure, .members = kStreamMembers};

}  // namespace penstock::server::aws::video
