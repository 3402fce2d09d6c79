#include "server/cli/client.h"

#include <fmt/format.h>

#include "net/http/client.h"
#include "server/wire/errors.h"

namespace penstock::server {
namespace {

struct Ask {
  std::string method;
  std::string target;
  std::string body;
  std::function<Status(Bytes)> on_body;
};

Task<void> Run(net::EventLoop& loop, net::Endpoint server, Ask ask,
               Result<net::ClientResponse>& out) {
  net::Headers headers;
  if (!ask.body.empty()) headers.Set("Content-Type", "application/json");
  out = co_await net::Fetch(loop, std::move(server), true, std::move(ask.method),
                            std::move(ask.target), std::move(headers), std::move(ask.body),
                            std::move(ask.on_body));
  loop.Stop();
}

Result<net::ClientResponse> Fetch(const std::filesystem::path& data, Ask ask) {
  net::EventLoop loop;
  net::Endpoint server;
  server.address = SocketOf(data).string();
  Result<net::ClientResponse> out = Error(ErrorCode::kInternal, "no answer");
  loop.Post([&] { Detach(Run(loop, server, std::move(ask), out)); });
  loop.Run();
  if (!out.ok() && out.error().code() == ErrorCode::kUnavailable) {
    return Error(
        ErrorCode::kUnavailable,
        fmt::format(
            "no server is running on {} (start it with `penstock serve --data {}`, or name another "
            "folder with --data)",
            data.string(), data.string()));
  }
  return out;
}

}  // namespace

std::filesystem::path SocketOf(const std::filesystem::path& data) { return data / "penstock.sock"; }

Result<Json> Client::Call(std::string method, std::string target, const Json& body) {
  Ask ask{std::move(method), std::move(target), body.is_null() ? std::string() : body.Dump(),
          nullptr};
  PS_TRY(const net::ClientResponse response, Fetch(data_, std::move(ask)));
  if (response.status >= 300) return ErrorFromWire(response.status, response.body);
  return Json::Parse(response.body);
}

Result<net::Headers> Client::Head(std::string target) {
  Ask ask{"HEAD", target, "", nullptr};
  PS_TRY(net::ClientResponse response, Fetch(data_, std::move(ask)));
  if (response.status < 300) return std::move(response.headers);
  // A HEAD's refusal has no words; ask again for them.
  PS_TRY_VOID(Call("GET", std::move(target)));
  return ErrorFromWire(response.status, "");
}

Result<net::Headers> Client::Download(std::string target, std::function<Status(Bytes)> on_body) {
  Ask ask{"GET", std::move(target), "", std::move(on_body)};
  PS_TRY(net::ClientResponse response, Fetch(data_, std::move(ask)));
  if (response.status >= 300) return ErrorFromWire(response.status, response.body);
  return std::move(response.headers);
}

}  // namespace penstock::server
