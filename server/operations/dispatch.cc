#include "server/operations/dispatch.h"

#include <array>

#include <fmt/format.h>

#include "base/log.h"
#include "base/random.h"
#include "server/operations/aws_context.h"
#include "server/operations/identity.h"
#include "server/operations/operation.h"
#include "server/operations/video/resource.h"
#include "server/wire/validate.h"

namespace penstock::server::aws {
namespace {

constexpr std::string_view kService = "kinesisvideo";
// The largest input is a list of a thousand fragment numbers.
constexpr size_t kBodyBytesMax = 256 * 1024;

const Operation* FindOperation(std::string_view path) {
  for (const Operation* operation : VideoOperations()) {
    if (operation->path == path) return operation;
  }
  return nullptr;
}

bool IsSigned(const net::HttpRequest& request) {
  return sigv4::IsSigned(sigv4::SignedRequest{request.method, request.target, request.headers});
}

// For pages of other origins: they are not trusted and have to sign, so they may as well read.
void AllowOrigins(net::HttpResponse& response) {
  response.headers.Set("Access-Control-Allow-Origin", "*");
  response.headers.Set("Access-Control-Expose-Headers",
                       "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date");
}

net::HttpResponse Preflight(const net::HttpRequest& request) {
  net::HttpResponse response;
  response.headers.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS");
  const std::string_view asked = request.headers.Get("Access-Control-Request-Headers");
  if (!asked.empty()) response.headers.Set("Access-Control-Allow-Headers", asked);
  response.headers.Set("Access-Control-Max-Age", "172800");
  return response;
}

Error MayNot(const Caller& caller, std::string_view action, const std::string& resource) {
  return Error(ErrorCode::kForbidden,
               fmt::format("User: {} is not authorized to perform: {} on resource: {}", caller.name,
                           action, resource));
}

// The name first, then the key, then what it names: who may not is not told what there is. A key's
// patterns are of names, whether streams or channels have them.
Status Admit(Services& services, const Operation& operation, Call& call) {
  const std::string action = fmt::format("{}:{}", kService, operation.name);
  if (operation.resource == Resource::kNone) {
    if (!call.caller.MayDo(action)) return MayNot(call.caller, action, "*");
    return Status();
  }
  PS_TRY(const video::NamedResource named, video::NameResource(operation.resource, call.input));
  if (!call.caller.MayDo(action, named.name)) {
    return MayNot(
        call.caller, action,
        fmt::format("arn:aws:kinesisvideo:{}:{}:{}/{}/*", services.aws.region, services.aws.account,
                    video::ResourceKindName(named.kind), named.name.text()));
  }
  return video::FindResource(services, operation.resource, named, call);
}

Task<Outcome> Run(Services& services, const Operation& operation, Call call) {
  PS_CO_TRY_VOID(wire::Validate(*operation.input, call.input));
  PS_CO_TRY_VOID(Admit(services, operation, call));
  co_return co_await operation.run(services, std::move(call));
}

Task<net::HttpResponse> Answer(Services& services, net::HttpRequest request, std::string& caller) {
  if (request.method == "OPTIONS") co_return Preflight(request);
  auto identity = ReadIdentity(request, services.keys, kService, services.clock.Now());
  if (const auto* fault = std::get_if<sigv4::Fault>(&identity)) co_return AwsErrorResponse(*fault);
  const Identity& who = std::get<Identity>(identity);
  const Operation* const operation = FindOperation(request.path);
  const bool streams =
      operation != nullptr && operation->input_of != nullptr && request.method == "POST";
  Result<std::string> body = std::string();
  if (!streams) body = co_await net::ReadAll(request.body, kBodyBytesMax);
  if (!body.ok()) co_return AwsErrorResponse(body.error());
  if (const auto fault = CheckIdentity(who, request, *body)) co_return AwsErrorResponse(*fault);
  if (operation == nullptr || request.method != "POST") {
    const Error unknown(ErrorCode::kUnsupported,
                        fmt::format("there is no operation {} {}", request.method, request.path));
    co_return AwsErrorResponse(unknown);
  }
  Result<Json> input = streams ? operation->input_of(request) : wire::ParseBody(*body);
  if (!input.ok()) co_return AwsErrorResponse(input.error(), operation->errors);
  Call call;
  call.input = std::move(*input);
  call.peer = request.over_unix_socket ? "this machine" : request.peer.ToString();
  if (streams) call.body = request.body;
  call.host = request.headers.Get("Host");
  call.over_tls = request.over_tls;
  call.caller.name = who.key ? who.key->user : "local";
  call.caller.key = who.key;
  if (call.caller.key) call.caller.key->secret.clear();
  caller = call.caller.name;
  Outcome outcome = co_await Run(services, *operation, std::move(call));
  if (outcome.ok()) co_return std::move(*outcome);
  net::HttpResponse refusal = AwsErrorResponse(outcome.error(), operation->errors);
  if (refusal.status >= 500) {
    log::Write(log::kWarning, "operation failed",
               {{"operation", operation->name}, {"error", outcome.error().ToString()}});
  }
  co_return refusal;
}

}  // namespace

bool IsForUs(const net::HttpRequest& request) {
  return FindOperation(request.path) != nullptr || IsSigned(request);
}

Task<net::HttpResponse> Dispatch(Services& services, net::HttpRequest request,
                                 std::string& caller) {
  net::HttpResponse response = co_await Answer(services, std::move(request), caller);
  AllowOrigins(response);
  co_return response;
}

std::string NewRequestId() {
  std::array<uint8_t, 16> random{};
  FillRandom(random);
  random[6] = static_cast<uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<uint8_t>((random[8] & 0x3f) | 0x80);
  std::string out;
  for (size_t i = 0; i < random.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += fmt::format("{:02x}", random[i]);
  }
  return out;
}

}  // namespace penstock::server::aws
