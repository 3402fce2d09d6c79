#include "server/operations/video/configurations.h"
#include "server/operations/video/edge.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/wire/validate.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"EdgeConfig", &kEdgeShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo info = call.stream->info;
  PS_CO_TRY_VOID(CheckStores(info));
  const ServerTime now = services.clock.Now();
  const auto before = LoadEdge(services, info.shard);
  if (before && IsSyncing(services, *before))
    co_return Error(ErrorCode::kAlreadyExists, "The edge configuration is being synchronised.");
  EdgeRecord record;
  record.config = wire::KnownPart(kEdgeShape, call.input["EdgeConfig"]);
  record.created = before ? before->created : now;
  record.updated = now;
  PS_CO_TRY_VOID(co_await SaveEdge(services, info, record));
  co_return wire::JsonAnswer(DescribeEdge(services, info, record));
}

}  // namespace

constinit const Operation kStartEdgeConfigurationUpdate{"StartEdgeConfigurationUpdate",
                                                        "/startEdgeConfigurationUpdate",
                                                        &kInput,
                                                        Resource::kStream,
                                                        Run,
                                                        kStoresNothingErrors};

}  // namespace penstock::server::aws::video
