#include "server/cli/remote.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/outgoing_limits.h"
#include "server/auth/hex.h"

namespace penstock::server {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

// What went wrong before anything was sent.
Error NotReached(const RemoteServer& server, const Error& error) {
  const std::string place = server.url.Place();
  switch (error.code()) {
    case ErrorCode::kUnauthenticated:
      return Error(ErrorCode::kUnauthenticated,
                   fmt::format("{}: {}{}", place, error.message(),
                               server.own_trust ? "" : " (--ca <file> says whom else to trust)"));
    case ErrorCode::kProtocol:
      return Error(ErrorCode::kProtocol, fmt::format("{}: {} (http:// is for a port without TLS)",
                                                     place, error.message()));
    default:
      return Error(ErrorCode::kUnavailable,
                   fmt::format("no server answers at {}: {}", place, error.message()));
  }
}

// With TLS where the URL says so.
Task<Result<std::unique_ptr<net::TcpStream>>> ConnectTo(net::EventLoop& loop, RemoteServer server) {
  auto stream = co_await net::TcpStream::Connect(loop, server.url.host, server.url.port,
                                                 limits::kOutgoingConnectTime, CancelToken());
  if (!stream.ok() || !server.url.tls) co_return stream;
  net::TlsPeer peer;
  peer.trust = server.trust;
  peer.host = server.url.host;
  co_return co_await net::StartTlsClient(std::move(*stream), std::move(peer),
                                         limits::kOutgoingConnectTime, CancelToken());
}

}  // namespace

Result<std::optional<RemoteServer>> RemoteServerOf(const Args& args) {
  const auto flag = args.Flag("--server");
  const auto ca_flag = args.Flag("--ca");
  if (flag && args.Flag("--data"))
    return Invalid("--server and --data name a server each: one of them is wanted");
  const std::string text = flag ? *flag : (args.Flag("--data") ? "" : Variable("PENSTOCK_SERVER"));
  if (text.empty()) {
    if (flag) return Invalid("--server: a URL is wanted");
    if (ca_flag) return Invalid("--ca is for a server that --server names");
    return std::optional<RemoteServer>();
  }
  const std::string_view name = flag ? "--server" : "PENSTOCK_SERVER";
  RemoteServer server;
  auto url = HttpUrl::Parse(text);
  if (!url.ok()) return std::move(url).error().With(std::string(name));
  server.url = std::move(*url);
  if (server.url.target != "/")
    return Invalid(fmt::format("{}: only scheme, key, host and port are wanted", name));
  server.secret = Variable("PENSTOCK_KEY");
  if (!server.url.tls) {
    if (ca_flag) return Invalid(fmt::format("--ca is for https://, and {} says http://", name));
    return std::optional<RemoteServer>(std::move(server));
  }
  const std::string ca = ca_flag ? *ca_flag : Variable("PENSTOCK_CA");
  server.own_trust = !ca.empty();
  if (ca.empty()) {
    server.trust = net::SystemTlsTrust();
  } else {
    auto trust = net::LoadTlsTrust(ca);
    if (!trust.ok()) return std::move(trust).error().With(ca_flag ? "--ca" : "PENSTOCK_CA");
    server.trust = std::move(*trust);
  }
  return std::optional<RemoteServer>(std::move(server));
}

Task<Result<net::ClientResponse>> FetchFrom(net::EventLoop& loop, RemoteServer server,
                                            std::string method, std::string target,
                                            std::string body,
                                            std::function<Status(Bytes)> on_body) {
  net::Headers headers;
  headers.Set("Host", server.url.Authority());
  if (!body.empty()) headers.Set("Content-Type", "application/json");
  if (!server.url.login.empty()) {
    headers.Set("Authorization", "Basic " + ToBase64(AsBytes(server.url.login)));
  } else if (!server.secret.empty()) {
    headers.Set("Authorization", "Bearer " + server.secret);
  }
  auto stream = co_await ConnectTo(loop, server);
  if (!stream.ok()) co_return NotReached(server, stream.error());
  auto answer = co_await net::FetchOver(std::move(*stream), std::move(method), std::move(target),
                                        std::move(headers), std::move(body), std::move(on_body));
  if (!answer.ok()) co_return std::move(answer).error().With(server.url.Place());
  co_return answer;
}

}  // namespace penstock::server
