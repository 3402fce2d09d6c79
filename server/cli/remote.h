// A server that the command line is told of by its URL. Everybody else reaches it by
// <data>/penstock.sock.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/task.h"
#include "net/event_loop.h"
#include "net/http/client.h"
#include "net/tls.h"
#include "server/cli/args.h"
#include "server/outgoing/http_url.h"

namespace penstock::server {

struct RemoteServer {
  HttpUrl url;                                   // its target is "/"
  std::string secret;                            // of a key; empty: the URL's login, or none
  std::shared_ptr<const net::TlsContext> trust;  // null without TLS
  bool own_trust = false;                        // --ca was given
};

// --server and --ca; without --server and --data PENSTOCK_SERVER, without --ca PENSTOCK_CA.
// nullopt: none is named. kInvalidArgument says what is wrong, and repeats no secret.
Result<std::optional<RemoteServer>> RemoteServerOf(const Args& args);

// One exchange, on the current loop. kUnavailable: nobody answers there; kUnauthenticated: its
// certificate is not accepted, and nothing was sent; else as net::Fetch. Each error names the
// server.
Task<Result<net::ClientResponse>> FetchFrom(net::EventLoop& loop, RemoteServer server,
                                            std::string method, std::string target,
                                            std::string body, std::function<Status(Bytes)> on_body);

}  // namespace penstock::server
