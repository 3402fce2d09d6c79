// Every HTTP request's way: an id, the route, who asks, the operation, the log line.
#pragma once

#include <atomic>
#include <string>

#include "net/http/http.h"
#include "server/api/services.h"

namespace penstock::server {

// Thread-safe. Services outlive it, and it the HTTP server.
class HttpFront {
 public:
  explicit HttpFront(Services services) : services_(services) {}

  // Never fails: errors and exceptions become answers.
  Task<net::HttpResponse> Handle(net::HttpRequest request);

  net::HttpHandler handler() {
    return [this](net::HttpRequest request) { return Handle(std::move(request)); };
  }

 private:
  Services services_;
};

}  // namespace penstock::server
