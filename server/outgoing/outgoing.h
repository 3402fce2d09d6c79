// Requests that we send: one exchange on a connection of its own.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/task.h"
#include "net/event_loop.h"
#include "net/http/headers.h"
#include "net/tls.h"
#include "server/config/allowed_hosts.h"
#include "server/outgoing/http_url.h"

namespace penstock::server {

struct OutgoingRequest {
  std::string method = "POST";
  HttpUrl url;
  net::Headers headers;  // without Host and Content-Length
  std::string body;
  std::chrono::milliseconds time{10'000};  // for all of the exchange
  // Where it may go; null: anywhere. Outlives the exchange.
  const AllowedHosts* allowed = nullptr;
};

struct OutgoingAnswer {
  int status = 0;    // of whatever kind: redirects are not followed
  std::string text;  // the body's begin: limits::kOutgoingAnswerBytesMax
};

// Thread-safe. No proxy and no variable of the environment is asked. No threads of its own: an
// exchange lives on a loop. Outlives its exchanges, and they the loops' running.
class Outgoing {
 public:
  // `trust`: whose signatures https:// servers have to show.
  Outgoing(net::EventLoops& loops, std::shared_ptr<const net::TlsContext> trust)
      : loops_(loops), trust_(std::move(trust)) {}

  // On the current loop, or, called on another executor (SyncWait's, for a thread that may block),
  // on one of ours; `token` has to be of this executor, and works on a loop only. kForbidden: not
  // allowed there, and nothing was sent; kUnauthenticated: its certificate is not accepted;
  // kNotFound, kUnavailable, kTimeout, kProtocol, kCancelled.
  Task<Result<OutgoingAnswer>> Send(OutgoingRequest request, CancelToken token = {});

 private:
  Task<Result<OutgoingAnswer>> SendOn(net::EventLoop& loop, OutgoingRequest request,
                                      CancelToken token);
  Task<Result<OutgoingAnswer>> Exchange(net::EventLoop& loop, OutgoingRequest request,
                                        CancelToken token);
  Task<Result<std::unique_ptr<net::TcpStream>>> Connect(net::EventLoop& loop, HttpUrl url,
                                                        const AllowedHosts* allowed,
                                                        CancelToken token);

  net::EventLoops& loops_;
  const std::shared_ptr<const net::TlsContext> trust_;
};

}  // namespace penstock::server
