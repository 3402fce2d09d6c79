// What each error is called on the wire, and which HTTP status it gets. The only place that knows.
#pragma once

#include <string_view>

#include "base/result.h"
#include "net/http/http.h"

namespace penstock::server {

int HttpStatus(ErrorCode code);

// {"error": "NotFound", "message": "no stream cam1"}; 401 asks for a key, 429 and 503 say when to
// come back.
net::HttpResponse ErrorResponse(const Error& error);

// The other way round, for our own command line: what the server's answer said.
Error ErrorFromWire(int status, std::string_view body);

}  // namespace penstock::server
