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

// What begins with a text, of a list by name.
inline constexpr std::string_view kNameOperators[] = {"BEGINS_WITH"};
inline constexpr Shape kNameOperatorShape{.values = kNameOperators};
inline constexpr Member kNameConditionMembers[] = {
    {"ComparisonOperator", &kNameOperatorShape},
    {"ComparisonValue", &kStreamNameShape},
};
inline constexpr Shape kNameConditionShape{.kind = Kind::kStructure,
                                           .members = kNameConditionMembers};
inline constexpr Shape kNamePageShape{.kind = Kind::kInteger, .min = 1, .max = 10'000};

// Fragments that began within a range of either time.
inline constexpr std::string_view kByProducerTime = "PRODUCER_TIMESTAMP";
inline constexpr std::string_view kByServerTime = "SERVER_TIMESTAMP";
inline constexpr std::string_view kTimeAxes[] = {kByProducerTime, kByServerTime};
inline constexpr Shape kTimeAxisShape{.values = kTimeAxes};
inline constexpr Member kTimeRangeMembers[] = {
    {"StartTimestamp", &kTimestampShape, true},
    {"EndTimestamp", &kTimestampShape, true},
};
inline constexpr Shape kTimeRangeShape{.kind = Kind::kStructure, .members = kTimeRangeMembers};
inline constexpr Member kFragmentSelectorMembers[] = {
    {"FragmentSelectorType", &kTimeAxisShape, true},
    {"TimestampRange", &kTimeRangeShape, true},
};
inline constexpr Shape kFragmentSelectorShape{.kind = Kind::kStructure,
                                              .members = kFragmentSelectorMembers};

// A stream by its name or its ARN: the whole input of many operations.
inline constexpr Member kStreamMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
};
inline constexpr Shape kStreamShape{.kind = Kind::kStructure, .members = kStreamMembers};

}  // namespace penstock::server::aws::video
