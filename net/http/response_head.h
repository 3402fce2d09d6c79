// The head of an answer as bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "net/http/http.h"

namespace penstock::net {

std::string_view ReasonPhrase(int status);
// "Thu, 15 Jan 2026 12:00:00 GMT"
std::string HttpDate(ServerTime time);

struct ResponseHeadOptions {
  bool chunked = false;  // the body's length is not known
  bool close = false;
  bool keep_alive_1_0 = false;  // an HTTP/1.0 client that asked must be told
};
// Content-Length, Transfer-Encoding, Connection and Date are made here; the handler's own are left
// out. A line break in a value, which would end the field, becomes a space.
std::string WriteResponseHead(const HttpResponse& response, const ResponseHeadOptions& options,
                              ServerTime now);

}  // namespace penstock::net
