#include "net/tls.h"
#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> AddSource(Services& services, Call call) {
  std::vector<std::string_view> known = {"name", "url", "transport", "tls_fingerprint"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  PS_CO_TRY(StreamName name, StreamName::Parse(input["name"].AsString()));
  PS_CO_TRY(const ingest::RtspTransport transport,
            ingest::ParseRtspTransport(input["transport"].AsString("auto")));
  ingest::SourceConfig config{std::move(name), std::string(input["url"].AsString()), transport,
                              false, std::string(input["tls_fingerprint"].AsString())};
  if (!config.tls_fingerprint.empty()) {
    PS_CO_TRY(config.tls_fingerprint, net::ParseFingerprint(config.tls_fingerprint));
  }
  Json out;
  out.Set("name", config.name.text());
  out.Set("url", config.RedactedUrl());
  out.Set("transport", ingest::RtspTransportName(transport));
  if (!config.tls_fingerprint.empty()) out.Set("tls_fingerprint", config.tls_fingerprint);
  PS_CO_TRY_VOID(co_await services.sources.Add(std::move(config)));
  co_return JsonResponse(out, 201);
}

}  // namespace penstock::server
