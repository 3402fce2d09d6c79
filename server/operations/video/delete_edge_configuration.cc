// At once: there is no agent whose media would have to go first.
#include "server/operations/video/edge.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr ErrorName kErrors[] = {
    {ErrorCode::kConflict, "StreamEdgeConfigurationNotFoundException", 404},
};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo info = call.stream->info;
  if (!LoadEdge(services, info.shard))
    co_return Error(ErrorCode::kConflict, "The stream has no edge configuration.");
  PS_CO_TRY_VOID(co_await SaveAttachment(services.store, info, std::string(kEdgeKind), Json()));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kDeleteEdgeConfiguration{"DeleteEdgeConfiguration",
                                                   "/deleteEdgeConfiguration",
                                                   &kStreamShape,
                                                   Resource::kStream,
                                                   Run,
                                                   kErrors};

}  // namespace penstock::server::aws::video
