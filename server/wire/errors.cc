#include "server/wire/errors.h"

#include <fmt/format.h>

#include "base/json.h"

namespace penstock::server {
namespace {

struct WireError {
  ErrorCode code;
  int status;
};

constexpr WireError kErrors[] = {
    {ErrorCode::kInvalidArgument, 400},
    {ErrorCode::kUnauthenticated, 401},
    {ErrorCode::kForbidden, 403},
    {ErrorCode::kNotFound, 404},
    {ErrorCode::kAlreadyExists, 409},
    {ErrorCode::kConflict, 409},
    {ErrorCode::kTooLarge, 413},
    {ErrorCode::kThrottled, 429},
    {ErrorCode::kUnsupported, 501},
    {ErrorCode::kProtocol, 400},
    {ErrorCode::kFenced, 503},
    {ErrorCode::kTrimmed, 410},
    {ErrorCode::kFull, 507},
    {ErrorCode::kCorruption, 500},
    {ErrorCode::kIo, 500},
    {ErrorCode::kUnavailable, 503},
    {ErrorCode::kTimeout, 504},
    {ErrorCode::kCancelled, 503},
    {ErrorCode::kClosed, 503},
    {ErrorCode::kInternal, 500},
};

}  // namespace

int HttpStatus(ErrorCode code) {
  for (const WireError& error : kErrors) {
    if (error.code == code) return error.status;
  }
  return 500;
}

net::HttpResponse ErrorResponse(const Error& error) {
  Json json;
  json.Set("error", ErrorCodeName(error.code()));
  json.Set("message", error.message());
  net::HttpResponse response(HttpStatus(error.code()), "application/json", json.Dump() + "\n");
  response.headers.Set("Cache-Control", "no-store");
  if (response.status == 401) response.headers.Set("WWW-Authenticate", "Bearer realm=\"penstock\"");
  if (response.status == 429 || response.status == 503) response.headers.Set("Retry-After", "1");
  return response;
}

Error ErrorFromWire(int status, std::string_view body) {
  const auto json = Json::Parse(body);
  if (json.ok() && (*json)["message"].is_string()) {
    const std::string_view name = (*json)["error"].AsString();
    for (const WireError& error : kErrors) {
      if (name == ErrorCodeName(error.code))
        return Error(error.code, std::string((*json)["message"].AsString()));
    }
  }
  return Error(ErrorCode::kProtocol,
               fmt::format("the server answered with HTTP status {}", status));
}

}  // namespace penstock::server
