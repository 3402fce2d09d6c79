#include "server/operations/video/edge.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr ErrorName kErrors[] = {
    {ErrorCode::kConflict, "StreamEdgeConfigurationNotFoundException", 404},
};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo& info = call.stream->info;
  const auto record = LoadEdge(services, info.shard);
  if (!record) co_return Error(ErrorCode::kConflict, "The stream has no edge configuration.");
  co_return wire::JsonAnswer(DescribeEdge(services, info, *record));
}

}  // namespace

constinit const Operation kDescribeEdgeConfiguration{"DescribeEdgeConfiguration",
                                                     "/describeEdgeConfiguration",
                                                     &kStreamShape,
                                                     Resource::kStream,
                                                     Run,
                                                     kErrors};

}  // namespace penstock::server::aws::video
