// A small HTTP/1.1 client for our own command line, webhooks and tests.
#pragma once

#include <string>

#include "base/limits.h"
#include "net/http/http.h"

namespace penstock::net {

struct FetchOptions {
  std::chrono::milliseconds timeout =
      limits::kHttpFetchTime;  // to connect, and for each pause of the server
  CancelToken token;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// One request on a connection of its own, on the current loop. `server` may be a name; for a
// Unix-domain socket it is the path. Host and Content-Length are added. The body of the answer is
// given to `on_body` piece by piece if set, else collected (at most 64 MiB).
Task<Result<ClientResponse>> Fetch(EventLoop& loop, Endpoint server, bool unix_socket,
                                   std::string method, std::string target, Headers headers,
                                   std::string body, std::function<Status(Bytes)> on_body = nullptr,
                                   FetchOptions options = {});

// The same on a connection that is there, with TLS or without. `headers` say the Host. The stream
// belongs to the current loop.
Task<Result<ClientResponse>> FetchOver(std::unique_ptr<TcpStream> stream, std::string method,
                                       std::string target, Headers headers, std::string body,
                                       std::function<Status(Bytes)> on_body = nullptr,
                                       FetchOptions options = {});

}  // namespace penstock::net
