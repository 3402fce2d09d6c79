#include "server/http/front.h"

#include <array>
#include <cstring>

#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "server/api/operation.h"
#include "server/api/router.h"
#include "server/auth/hex.h"
#include "server/operations/dispatch.h"
#include "server/wire/errors.h"

namespace penstock::server {
namespace {

// To find a request in the log; no secret, so that it costs no system call.
std::string NewRequestId() {
  thread_local Prng ids(RandomU64());
  const uint64_t id = ids.Next();
  std::array<uint8_t, sizeof id> bytes{};
  std::memcpy(bytes.data(), &id, sizeof id);
  return ToHex(bytes);
}

bool IsPlayback(std::string_view path) {
  return path.starts_with("/hls/") || path.starts_with("/dash/");
}

// What the answer to an error needs beyond its status and words.
template <class Reason>
net::HttpResponse RefusalOf(const Reason& reason, std::string_view path) {
  net::HttpResponse response = ErrorResponse(reason);
  if (IsPlayback(path)) {
    // A page of another origin may read why it cannot play.
    response.headers.Set("Access-Control-Allow-Origin", "*");
    // Players that are given http://user:key@host/… show them only when asked this way. Elsewhere
    // Basic would make browsers pop up a question of their own in front of the page's.
    if (response.status == 401)
      response.headers.Set("WWW-Authenticate", "Basic realm=\"penstock\"");
  }
  return response;
}

// The path is known but not with this method.
net::HttpResponse WrongMethod(const Error& error, std::string_view path) {
  net::HttpResponse response = RefusalOf(error, path);
  response.status = 405;
  const size_t list = error.message().rfind("it takes ");
  if (list != std::string::npos) response.headers.Set("Allow", error.message().substr(list + 9));
  return response;
}

Permission PermissionOf(const Operation& operation) {
  return operation.door == Door::kAdmin ? Permission::kAdmin : Permission::kRead;
}

void CountRefused(TokenFault::Kind kind) {
  static constexpr const char* kName = "penstock_viewer_tokens_refused_total";
  static constexpr const char* kHelp =
      "Requests whose viewer token did not open what they asked for";
  static metrics::Counter& expired = metrics::GetCounter(kName, kHelp, "reason=\"expired\"");
  static metrics::Counter& other = metrics::GetCounter(kName, kHelp, "reason=\"invalid\"");
  (kind == TokenFault::kExpired ? expired : other).Add();
}

// Who has shown a viewer token.
std::variant<Caller, TokenFault> AdmitToken(const Services& services, std::string_view token,
                                            const Match& match) {
  if (match.operation->door != Door::kWatch) {
    return TokenFault{TokenFault::kTooWide, "a viewer's link opens one stream, and not this"};
  }
  const auto info = services.store.GetStream(*match.stream);
  // Whether there is such a stream is nothing for those who may not watch it.
  if (!info) return InvalidToken();
  auto checked =
      services.keys.viewer_tokens().Check(token, *match.stream, info->shard, services.clock.Now());
  if (auto* fault = std::get_if<TokenFault>(&checked)) return std::move(*fault);
  return TokenCaller(*match.stream, std::get<ServerTime>(checked));
}

// Who asks, or the answer that refuses.
std::variant<Caller, net::HttpResponse> Admit(const Services& services,
                                              const net::HttpRequest& request, const Match& match,
                                              std::string_view path) {
  const auto shown = FindCredentials(request);
  if (!request.over_unix_socket && shown.ok() && *shown && IsViewerToken((*shown)->secret)) {
    auto admitted = AdmitToken(services, (*shown)->secret, match);
    if (auto* caller = std::get_if<Caller>(&admitted)) return std::move(*caller);
    const TokenFault& fault = std::get<TokenFault>(admitted);
    CountRefused(fault.kind);
    return RefusalOf(fault, path);
  }
  auto authorized = Authorize(request, services.keys, PermissionOf(*match.operation), match.stream);
  if (!authorized.ok()) return RefusalOf(authorized.error(), path);
  return std::move(*authorized);
}

// The part that may throw and that the log line describes.
Task<net::HttpResponse> Answer(Services& services, net::HttpRequest request, std::string& caller) {
  const std::string path = WithoutPathKey(request.path);
  auto match = FindOperation(request.method, path);
  if (!match.ok()) {
    if (match.error().code() == ErrorCode::kUnsupported) co_return WrongMethod(match.error(), path);
    co_return RefusalOf(match.error(), path);
  }
  Call call;
  call.stream = match->stream;
  call.rest = match->rest;
  const Door door = match->operation->door;
  if (door != Door::kOpen && door != Door::kSession) {
    auto admitted = Admit(services, request, *match, path);
    if (auto* refusal = std::get_if<net::HttpResponse>(&admitted)) co_return std::move(*refusal);
    call.caller = std::move(std::get<Caller>(admitted));
    caller = call.caller.name;
  }
  call.request = std::move(request);
  auto outcome = co_await match->operation->run(services, std::move(call));
  if (!outcome.ok()) co_return RefusalOf(outcome.error(), path);
  co_return std::move(*outcome);
}

void Count(int status, double seconds) {
  static metrics::Counter* const classes[] = {
      &metrics::GetCounter("penstock_http_requests_total", "HTTP requests answered",
                           "status=\"2xx\""),
      &metrics::GetCounter("penstock_http_requests_total", "HTTP requests answered",
                           "status=\"3xx\""),
      &metrics::GetCounter("penstock_http_requests_total", "HTTP requests answered",
                           "status=\"4xx\""),
      &metrics::GetCounter("penstock_http_requests_total", "HTTP requests answered",
                           "status=\"5xx\""),
  };
  static metrics::Histogram& latency = metrics::GetHistogram(
      "penstock_http_request_seconds", "From a request's head to the answer's, without the body");
  classes[std::clamp(status / 100 - 2, 0, 3)]->Add();
  latency.Record(seconds);
}

}  // namespace

Task<net::HttpResponse> HttpFront::Handle(net::HttpRequest request) {
  const bool is_aws = aws::IsForUs(request);
  const std::string id = is_aws ? aws::NewRequestId() : NewRequestId();
  const std::string method = request.method;
  const std::string target = request.target;
  const std::optional<net::Endpoint> peer =
      request.over_unix_socket ? std::nullopt : std::optional(request.peer);
  const SteadyTime begin = services_.clock.SteadyNow();
  std::string caller;
  net::HttpResponse response;
  try {
    if (is_aws) {
      response = co_await aws::Dispatch(services_, std::move(request), caller);
    } else {
      response = co_await Answer(services_, std::move(request), caller);
    }
  } catch (const std::exception& error) {
    log::Write(log::kError, "request failed", {{"request_id", id}, {"error", error.what()}});
    const Error fault(ErrorCode::kInternal,
                      "a fault of the server; its log knows more under request " + id);
    response = is_aws ? AwsErrorResponse(fault) : ErrorResponse(fault);
  }
  response.headers.Set(is_aws ? "x-amzn-RequestId" : "Penstock-Request-Id", id);
  response.headers.Set("X-Content-Type-Options", "nosniff");
  const auto took = std::chrono::duration<double>(services_.clock.SteadyNow() - begin).count();
  Count(response.status, took);
  // Our own faults are worth a line even where requests are not logged.
  const bool fault = response.status == 500;
  const log::Level level = fault ? log::kWarning : log::kInfo;
  if ((services_.settings.log_requests || fault) && log::Enabled(level)) {
    log::Write(level, "request",
               {{"request_id", id},
                {"method", method},
                {"target", RedactTarget(target)},
                {"status", response.status},
                {"bytes", response.body_bytes()},
                {"latency_ms", took * 1000},
                {"peer", peer ? peer->ToString() : "socket"},
                {"key", caller}});
  }
  co_return response;
}

}  // namespace penstock::server
