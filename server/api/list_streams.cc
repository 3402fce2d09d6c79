#include <map>

#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

// A stream that is being connected to for the first time has no shard yet; its publication alone
// says how it is.
static Json NotYetThere(const ingest::PublicationStatus& publication, uint32_t retention_hours) {
  store::StreamInfo info{publication.stream, ShardId(), retention_hours, publication.since, 0};
  return StreamToJson(info, store::ShardStatus(), &publication);
}

Task<Outcome> ListStreams(Services& services, Call call) {
  PS_CO_TRY_VOID(CheckQuery(call.request, std::vector<std::string_view>()));
  std::map<StreamName, ingest::PublicationStatus> publications;
  for (auto& publication : services.sources.GetStatus()) {
    publications.emplace(publication.stream, publication);
  }
  std::map<StreamName, Json> streams;
  for (const store::StreamInfo& info : services.store.ListStreams()) {
    if (!call.caller.MayRead(info.name)) continue;
    const auto shard = services.store.OpenShard(info.shard);
    const auto publication = publications.find(info.name);
    streams.emplace(
        info.name,
        StreamToJson(info, shard ? shard->GetStatus() : store::ShardStatus(),
                     publication == publications.end() ? nullptr : &publication->second));
  }
  for (const auto& [name, publication] : publications) {
    if (streams.count(name) > 0 || !call.caller.MayRead(name)) continue;
    streams.emplace(name, NotYetThere(publication, services.settings.retention_hours));
  }
  Json list = Json(Json::Array());
  for (auto& [name, json] : streams) list.Push(std::move(json));
  Json out;
  out.Set("now", FormatRfc3339(services.clock.Now()));
  out.Set("streams", std::move(list));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
