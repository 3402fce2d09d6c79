#include "server/operations/video/edge.h"

#include "server/operations/aws_context.h"
#include "server/operations/video/stream_arn.h"
#include "server/operations/video/stream_info.h"
#include "server/wire/timestamp.h"

namespace penstock::server::aws::video {
namespace {

// So long Amazon tries to reach an agent.
constexpr std::chrono::minutes kSyncTime{15};

}  // namespace

std::optional<EdgeRecord> LoadEdge(const Services& services, const ShardId& shard) {
  const Json json = LoadAttachment(services.store.catalog(), shard, kEdgeKind);
  if (json.is_null()) return std::nullopt;
  return EdgeRecord{json["config"], ServerTimeFromMs(json["created_ms"].AsInt()),
                    ServerTimeFromMs(json["updated_ms"].AsInt())};
}

Task<Status> SaveEdge(Services& services, store::StreamInfo info, EdgeRecord record) {
  Json json;
  json.Set("config", std::move(record.config));
  json.Set("created_ms", ToMs(record.created));
  json.Set("updated_ms", ToMs(record.updated));
  co_return co_await SaveAttachment(services.store, std::move(info), std::string(kEdgeKind),
                                    std::move(json));
}

bool IsSyncing(const Services& services, const EdgeRecord& record) {
  return services.clock.Now() < record.updated + kSyncTime;
}

Json DescribeEdge(const Services& services, const store::StreamInfo& info,
                  const EdgeRecord& record) {
  const bool syncing = IsSyncing(services, record);
  Json out;
  out.Set("StreamName", info.name.text());
  out.Set("StreamARN", FormatStreamArn(services.aws, StreamArn{info.name, info.created}));
  out.Set("CreationTime", wire::ToTimestamp(record.created));
  out.Set("LastUpdatedTime", wire::ToTimestamp(record.updated));
  out.Set("SyncStatus", syncing ? "SYNCING" : "SYNC_FAILED");
  out.Set("FailedStatusDetails", syncing ? Json() : Json("No edge agent has come for it."));
  out.Set("EdgeConfig", record.config);
  return out;
}

}  // namespace penstock::server::aws::video
