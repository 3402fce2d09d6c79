#include "net/http/target.h"
#include "server/api/operations.h"
#include "server/api/playback_response.h"

namespace penstock::server {
// 307: for this time only; the next visitor who asks for the same time begins with another list.
net::HttpResponse Elsewhere(const net::HttpRequest& request, std::string location) {
  const std::string_view key = request.QueryValue("key");
  if (!key.empty()) location += "&key=" + net::PercentEncode(key);
  net::HttpResponse response;
  response.status = 307;
  response.headers.Set("Location", std::move(location));
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

Task<Outcome> PlayHls(Services& services, Call call) {
  std::vector<std::pair<std::string, std::string>> query;
  for (const auto& pair : call.request.query) {
    if (pair.first != "key") query.push_back(pair);
  }
  auto resource = co_await services.hls.Get(*call.stream, call.rest, std::move(query));
  if (!resource.ok()) {
    Error error = std::move(resource).error();
    // Too long a range is a question that cannot be answered, not a body that was too large.
    if (error.code() == ErrorCode::kTooLarge)
      co_return Error(ErrorCode::kInvalidArgument, error.message());
    co_return error;
  }
  net::HttpResponse response = resource->moved_to.empty()
                                   ? PlaybackResponse(std::move(*resource))
                                   : Elsewhere(call.request, std::move(resource->moved_to));
  AllowAnyOrigin(response);
  co_return response;
}

Task<Outcome> PreflightHls(Services&, Call) {
  net::HttpResponse response;
  response.status = 204;
  AllowAnyOrigin(response);
  response.headers.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  response.headers.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, Range");
  response.headers.Set("Access-Control-Max-Age", "86400");
  co_return response;
}

}  // namespace penstock::server
