// Pieces of inputs that several operations on signaling channels share.
#pragma once

#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {

inline constexpr Shape kMessageTtlShape{.kind = Kind::kInteger, .min = 5, .max = 120};
inline constexpr Member kSingleMasterMembers[] = {{"MessageTtlSeconds", &kMessageTtlShape}};
inline constexpr Shape kSingleMasterShape{.kind = Kind::kStructure,
                                          .members = kSingleMasterMembers};
// Names and ARNs of channels have the form of those of streams.
inline constexpr Member kChannelMembers[] = {
    {"ChannelName", &kStreamNameShape},
    {"ChannelARN", &kStreamArnShape},
};
inline constexpr Shape kChannelShape{.kind = Kind::kStructure, .members = kChannelMembers};

}  // namespace penstock::server::aws::video
