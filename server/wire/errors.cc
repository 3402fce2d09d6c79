#include "server/wire/errors.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/json.h"

namespace penstock::server {
namespace {

struct WireError {
  ErrorCode code;
  int status;
  // Amazon's video services.
  std::string_view aws_name;
  int aws_status;
};

constexpr WireError kErrors[] = {
    {ErrorCode::kInvalidArgument, 400, "InvalidArgumentException", 400},
    {ErrorCode::kUnauthenticated, 401, "NotAuthorizedException", 401},
    {ErrorCode::kForbidden, 403, "AccessDeniedException", 403},
    {ErrorCode::kNotFound, 404, "ResourceNotFoundException", 404},
    {ErrorCode::kAlreadyExists, 409, "ResourceInUseException", 400},
    {ErrorCode::kConflict, 409, "VersionMismatchException", 400},
    {ErrorCode::kTooLarge, 413, "RequestEntityTooLargeException", 413},
    {ErrorCode::kThrottled, 429, "ClientLimitExceededException", 400},
    {ErrorCode::kUnsupported, 501, "UnknownOperationException", 404},
    {ErrorCode::kProtocol, 400, "SerializationException", 400},
    {ErrorCode::kFenced, 503, "ServiceUnavailableException", 503},
    {ErrorCode::kTrimmed, 410, "ResourceNotFoundException", 404},
    {ErrorCode::kFull, 507, "ServiceUnavailableException", 503},
    {ErrorCode::kCorruption, 500, "InternalFailure", 500},
    {ErrorCode::kIo, 500, "InternalFailure", 500},
    {ErrorCode::kUnavailable, 503, "ServiceUnavailableException", 503},
    {ErrorCode::kTimeout, 504, "ServiceUnavailableException", 503},
    {ErrorCode::kCancelled, 503, "ServiceUnavailableException", 503},
    {ErrorCode::kClosed, 503, "ServiceUnavailableException", 503},
    {ErrorCode::kInternal, 500, "InternalFailure", 500},
};

struct SignatureError {
  sigv4::Fault::Kind kind;
  std::string_view name;
  int status;
};

constexpr SignatureError kSignatureErrors[] = {
    {sigv4::Fault::kMissing, "MissingAuthenticationTokenException", 403},
    {sigv4::Fault::kIncomplete, "IncompleteSignatureException", 400},
    {sigv4::Fault::kUnknownKey, "UnrecognizedClientException", 403},
    {sigv4::Fault::kExpiredToken, "ExpiredTokenException", 403},
    {sigv4::Fault::kInvalid, "InvalidSignatureException", 403},
};

Json ErrorJson(std::string_view name, std::string_view message) {
  Json json;
  json.Set("error", name);
  json.Set("message", message);
  return json;
}

net::HttpResponse JsonError(int status, const Json& json) {
  net::HttpResponse response(status, "application/json", json.Dump() + "\n");
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

net::HttpResponse AwsError(int status, std::string_view name, Json body) {
  net::HttpResponse response(status, "application/json", body.Dump());
  response.headers.Set("x-amzn-ErrorType", name);
  return response;
}

std::string_view TokenErrorName(TokenFault::Kind kind) {
  switch (kind) {
    case TokenFault::kExpired:
      return "ExpiredToken";
    case TokenFault::kInvalid:
      return "InvalidToken";
    case TokenFault::kTooWide:
      break;
  }
  return ErrorCodeName(ErrorCode::kForbidden);
}

}  // namespace

int HttpStatus(ErrorCode code) {
  for (const WireError& error : kErrors) {
    if (error.code == code) return error.status;
  }
  return 500;
}

net::HttpResponse ErrorResponse(const Error& error) {
  net::HttpResponse response =
      JsonError(HttpStatus(error.code()), ErrorJson(ErrorCodeName(error.code()), error.message()));
  if (response.status == 401) response.headers.Set("WWW-Authenticate", "Bearer realm=\"penstock\"");
  if (response.status == 429 || response.status == 503) response.headers.Set("Retry-After", "1");
  return response;
}

net::HttpResponse ErrorResponse(const TokenFault& fault) {
  Json json = ErrorJson(TokenErrorName(fault.kind), fault.message);
  if (fault.ended) json.Set("ended", FormatRfc3339(*fault.ended));
  return JsonError(403, json);
}

net::HttpResponse AwsErrorResponse(const Error& error, std::span<const ErrorName> own) {
  std::string_view name = "InternalFailure";
  int status = 500;
  for (const WireError& known : kErrors) {
    if (known.code != error.code()) continue;
    name = known.aws_name;
    status = known.aws_status;
  }
  for (const ErrorName& known : own) {
    if (known.code != error.code()) continue;
    name = known.name;
    status = known.status;
  }
  Json body;
  // What broke in us is for our log.
  body.Set("Message", status == 500 ? "An internal error has occurred." : error.message());
  return AwsError(status, name, std::move(body));
}

net::HttpResponse AwsErrorResponse(const sigv4::Fault& fault) {
  Json body;
  body.Set("message", fault.message);
  for (const SignatureError& known : kSignatureErrors) {
    if (known.kind == fault.kind) return AwsError(known.status, known.name, std::move(body));
  }
  return AwsError(403, "InvalidSignatureException", std::move(body));
}

namespace {

// What a server that is none of ours, or a port of another kind, says for people; nothing if it is
// not a line of text.
std::string OneLine(std::string_view body) {
  const std::string_view line = body.substr(0, body.find_first_of("\r\n"));
  const bool text =
      !line.empty() && line.size() <= 200 && line.front() != '<' &&
      std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  return text ? fmt::format(": {}", line) : "";
}

}  // namespace

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
               fmt::format("the server answered with HTTP status {}{}", status, OneLine(body)));
}

}  // namespace penstock::server
