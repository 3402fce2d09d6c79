// A viewer token and the addresses to give away with it.
#include <fmt/format.h>

#include "base/log.h"
#include "server/api/operations.h"
#include "server/config/units.h"
#include "server/operations/aws_context.h"
#include "server/operations/video/data_endpoint.h"

namespace penstock::server {
namespace {

using std::chrono::seconds;

Result<seconds> LifetimeFromJson(const Json& json, bool admin) {
  if (json.is_null()) return kViewerTokenTime;
  const seconds most = admin ? kViewerTokenTimeMax : kViewerTokenTimeMaxOfKeys;
  if (!json.is_int() || json.AsInt() < kViewerTokenTimeMin.count() || json.AsInt() > most.count()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("seconds: a whole number from {} ({}) to {} ({}) is wanted",
                             kViewerTokenTimeMin.count(), FormatDuration(kViewerTokenTimeMin),
                             most.count(), FormatDuration(most)));
  }
  return seconds(json.AsInt());
}

}  // namespace

Task<Outcome> CreateToken(Services& services, Call call) {
  std::vector<std::string_view> known = {"seconds"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  PS_CO_TRY(const seconds lifetime, LifetimeFromJson(input["seconds"], call.caller.IsAdmin()));
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  const std::string& name = stream.info.name.text();
  const ServerTime expires = std::chrono::floor<seconds>(services.clock.Now() + lifetime);
  const std::string token =
      services.keys.viewer_tokens().Make(stream.info.name, stream.info.shard, expires);
  // Who asks on this machine wants the address for others: the door with TLS if there is one.
  const bool over_tls = call.request.over_tls ||
                        (call.request.over_unix_socket && services.aws.https_port.load() != 0);
  const std::string base =
      aws::video::DataEndpoint(services.aws, call.request.headers.Get("Host"), over_tls);
  log::Write(log::kInfo, "viewer token made",
             {{"stream", name}, {"key", call.caller.name}, {"until", FormatRfc3339(expires)}});
  Json out;
  out.Set("stream", name);
  out.Set("token", token);
  out.Set("expires", FormatRfc3339(expires));
  out.Set("page", fmt::format("{}/#token={}&stream={}", base, token, name));
  out.Set("playlist", fmt::format("{}/hls/t/{}/{}/index.m3u8", base, token, name));
  co_return JsonResponse(out, 201);
}

}  // namespace penstock::server
