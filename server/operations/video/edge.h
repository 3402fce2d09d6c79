// The configuration of a stream's edge agent: a program beside the camera that records there and
// uploads. What it says to its cloud is not published, so no agent ever comes for it here: it is
// kept, shown, and after a while said not to have been fetched.
#pragma once

#include "server/api/services.h"
#include "server/operations/video/edge_shapes.h"

namespace penstock::server::aws::video {

inline constexpr std::string_view kEdgeKind = "edge";  // of attachment (stream_info.h)

struct EdgeRecord {
  Json config;
  ServerTime created;
  ServerTime updated;
};

std::optional<EdgeRecord> LoadEdge(const Services& services, const ShardId& shard);
Task<Status> SaveEdge(Services& services, store::StreamInfo info, EdgeRecord record);

// Whether an agent may still come for it.
bool IsSyncing(const Services& services, const EdgeRecord& record);
// Name, ARN, times, status and configuration, as answers have them.
Json DescribeEdge(const Services& services, const store::StreamInfo& info,
                  const EdgeRecord& record);

}  // namespace penstock::server::aws::video
