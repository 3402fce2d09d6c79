// HTTP/1.1 server, with TLS and without: keep-alive, HEAD, chunked bodies both ways, Expect:
// 100-continue, one write per small answer.
#pragma once

#include <memory>
#include <vector>

#include "base/limits.h"
#include "net/event_loop.h"
#include "net/http/http.h"
#include "net/tls.h"

namespace penstock::net {

// The bounds; tests make them small.
struct HttpServerOptions {
  size_t connections_max = limits::kHttpConnectionsMax;  // more are answered with 503
  // TLS handshakes under way; more are closed at once, so that those who stall in theirs leave
  // room for the others.
  size_t handshakes_max = limits::kHttpConnectionsMax / 4;
  std::chrono::milliseconds idle = limits::kHttpIdle;  // between two requests
  std::chrono::milliseconds head_time =
      limits::kHttpHeadTime;  // from the first byte (or the connection) to a whole head; then 408
  std::chrono::milliseconds stalled_read = limits::kHttpStalledReadTime;    // BodyReader::Next
  std::chrono::milliseconds stalled_write = limits::kHttpStalledWriteTime;  // any answer
  std::chrono::milliseconds linger = limits::kHttpLingerTime;
  std::chrono::milliseconds handshake = limits::kTlsHandshakeTime;  // of TLS, all of it
};

// HEAD is answered by the GET handler's response without its body. Content-Length, Connection and
// Date are the server's business. A handler's exception becomes 500. Range requests are the
// server's business where the response says "Accept-Ranges: bytes", has parts and status 200;
// If-None-Match where it has an ETag; gzip where it says "Penstock-Compress: yes" (removed) and the
// client accepts it.
class HttpServer {
 public:
  // The handler runs on the loop that owns the connection.
  HttpServer(EventLoops& loops, HttpHandler handler, HttpServerOptions options = {});
  ~HttpServer();  // Requires Stop.

  // The bound endpoint, for port 0. May be called for several addresses.
  Result<Endpoint> Listen(std::string address, uint16_t port);
  // The same over TLS. Who asks for another protocol than HTTP/1.1 is refused in the handshake, and
  // who speaks no TLS is told so in plain text (400). Each connection shows the certificate that
  // `identity` has when it comes.
  Result<Endpoint> ListenTls(std::string address, uint16_t port,
                             std::shared_ptr<const TlsIdentity> identity);
  // For this machine's user alone (mode 0600).
  Result<Endpoint> ListenUnix(std::string path);

  // No new connections; idle ones close, busy ones may finish until the deadline, then they are
  // cut: their reads and writes fail and BodyWriter::closed fires. Returns when the last handler
  // has returned, so a handler must not wait for anything else for good. Any thread but a loop's
  // own, while the loops run.
  void Stop(std::chrono::milliseconds grace);
  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
