// HTTP/1.1 server: keep-alive, HEAD, chunked bodies both ways, Expect: 100-continue, one write per
// small answer.
#pragma once

#include <memory>
#include <vector>

#include "net/event_loop.h"
#include "net/http/http.h"

namespace penstock::net {

// HEAD is answered by the GET handler's response without its body. Content-Length, Connection and
// Date are the server's business. A handler's exception becomes 500. Range requests are the
// server's business where the response says "Accept-Ranges: bytes", has parts and status 200;
// If-None-Match where it has an ETag; gzip where it says "Penstock-Compress: yes" (removed) and the
// client accepts it.
class HttpServer {
 public:
  // The handler runs on the loop that owns the connection.
  HttpServer(EventLoops& loops, HttpHandler handler);
  ~HttpServer();  // Requires Stop.

  // The bound endpoint, for port 0. May be called for several addresses.
  Result<Endpoint> Listen(std::string address, uint16_t port);
  Result<Endpoint> ListenUnix(std::string path);

  // No new connections; idle ones close, busy ones may finish until the deadline, then they are
  // cut. Any thread but a loop's own.
  void Stop(std::chrono::milliseconds grace);
  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
