#include <map>

#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> ListSources(Services& services, Call call) {
  PS_CO_TRY_VOID(CheckQuery(call.request, std::vector<std::string_view>()));
  Json sources = Json(Json::Array());
  for (const ingest::SourceConfig& config : services.sources.List()) {
    Json json;
    json.Set("name", config.name.text());
    json.Set("url", config.RedactedUrl());
    json.Set("transport", ingest::RtspTransportName(config.transport));
    if (!config.tls_fingerprint.empty()) json.Set("tls_fingerprint", config.tls_fingerprint);
    json.Set("declarative", config.declarative);
    sources.Push(std::move(json));
  }
  Json publications = Json(Json::Array());
  for (const auto& publication : services.sources.GetStatus()) {
    publications.Push(PublicationToJson(publication));
  }
  Json out;
  out.Set("sources", std::move(sources));
  out.Set("publications", std::move(publications));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
