// Tags as inputs say them. The tables alone: fuzzers read them.
#pragma once

#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {

inline constexpr size_t kTagsMax = 50;

inline constexpr Shape kTagKeyShape{.min = 1, .max = 128, .pattern = &wire::kTagText};
inline constexpr Shape kTagValueShape{.min = 0, .max = 256, .pattern = &wire::kTagText};
// {key: value}. More than 50 have an error of their own.
inline constexpr Shape kTagMapShape{
    .kind = Kind::kMap, .min = 1, .element = &kTagValueShape, .key = &kTagKeyShape};
// [{Key, Value}].
inline constexpr Member kTagMembers[] = {
    {"Key", &kTagKeyShape, true},
    {"Value", &kTagValueShape, true},
};
inline constexpr Shape kTagShape{.kind = Kind::kStructure, .members = kTagMembers};
inline constexpr Shape kTagListShape{.kind = Kind::kList, .min = 1, .element = &kTagShape};
inline constexpr Shape kNewTagListShape{.kind = Kind::kList, .min = 0, .element = &kTagShape};
inline constexpr Shape kTagKeysShape{
    .kind = Kind::kList, .min = 1, .max = kTagsMax, .element = &kTagKeyShape};

}  // namespace penstock::server::aws::video
