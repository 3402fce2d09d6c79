// The two ends of RTSP: the server that takes pushes, the client that pulls one camera.
#pragma once

#include <functional>
#include <memory>

#include "base/authorizer.h"
#include "ingest/media_sink.h"
#include "ingest/rtsp/media_format.h"
#include "ingest/sources.h"
#include "net/event_loop.h"
#include "net/tcp.h"
#include "net/tls.h"

namespace penstock::ingest::rtsp {

// Takes ANNOUNCE/RECORD at rtsp://host:port/<stream>.
class Server {
 public:
  Server(net::EventLoops& loops, const Authorizer& authorizer, Publications& publications,
         Clock& clock);
  // With other depayloaders, for tests.
  Server(net::EventLoops& loops, const Authorizer& authorizer, Publications& publications,
         Clock& clock, DepayloaderFactory make_depayloader);
  ~Server();  // Requires Stop.
  // Once each.
  Result<net::Endpoint> Listen(std::string address, uint16_t port);
  // The same over TLS, as rtsps://host:port/<stream>. Each connection is shown the certificate that
  // `identity` has when it comes.
  Result<net::Endpoint> ListenTls(std::string address, uint16_t port,
                                  std::shared_ptr<const net::TlsIdentity> identity);
  // Ends every session. Any thread but a loop's own.
  void Stop();
  size_t sessions() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What the client needs from outside, so that tests can drive it.
struct ClientContext {
  net::EventLoop& loop;
  Clock& clock;
  Publications& publications;
};

// Pulls one camera until cancelled: connect, DESCRIBE, SETUP, PLAY, watchdog per track, reconnect
// with jittered exponential backoff, TEARDOWN. Reports its status through Publications::Report.
// Runs on context.loop.
Task<void> PullCamera(ClientContext context, SourceConfig config, CancelToken token);

}  // namespace penstock::ingest::rtsp
