// What each error is called on the wire, and which HTTP status it gets. The only place that knows.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "net/http/http.h"
#include "server/auth/sigv4/claim.h"
#include "server/auth/viewer_token.h"

namespace penstock::server {

int HttpStatus(ErrorCode code);

// {"error": "NotFound", "message": "no stream cam1"}; 401 asks for a key, 429 and 503 say when to
// come back.
net::HttpResponse ErrorResponse(const Error& error);

// 403 {"error": "ExpiredToken", "message": …, "ended": time}. Programs tell by the name whether a
// new link would help.
net::HttpResponse ErrorResponse(const TokenFault& fault);

// What one operation calls an error that others call by its usual name.
struct ErrorName {
  ErrorCode code;
  std::string_view name;
  int status = 400;
};

// As Amazon's services write it: x-amzn-ErrorType, {"Message": …}. `own` comes before the common
// names.
net::HttpResponse AwsErrorResponse(const Error& error, std::span<const ErrorName> own = {});
// What the layer before them says of a request whose signature is not accepted: {"message": …}.
net::HttpResponse AwsErrorResponse(const sigv4::Fault& fault);

// The other way round, for our own command line: what the server's answer said.
Error ErrorFromWire(int status, std::string_view body);

}  // namespace penstock::server
