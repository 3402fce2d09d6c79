#include "server/cli/client.h"

#include <fmt/format.h>

#include "server/cli/command.h"
#include "server/wire/errors.h"

namespace penstock::server {
namespace {

Task<Result<net::ClientResponse>> FetchLocally(net::EventLoop& loop, net::Endpoint server,
                                               std::string method, std::string target,
                                               std::string body,
                                               std::function<Status(Bytes)> on_body) {
  net::Headers headers;
  if (!body.empty()) headers.Set("Content-Type", "application/json");
  return net::Fetch(loop, std::move(server), true, std::move(method), std::move(target),
                    std::move(headers), std::move(body), std::move(on_body));
}

Task<void> Run(net::EventLoop& loop, Task<Result<net::ClientResponse>> fetch,
               Result<net::ClientResponse>& out) {
  out = co_await std::move(fetch);
  loop.Stop();
}

}  // namespace

std::filesystem::path SocketOf(const std::filesystem::path& data) { return data / "penstock.sock"; }

Client::Client(const Args& args) : data_(DataFolder(args)), remote_(RemoteServerOf(args)) {}

Result<net::ClientResponse> Client::Fetch(std::string method, std::string target, std::string body,
                                          std::function<Status(Bytes)> on_body) {
  if (!remote_.ok()) return remote_.error();
  net::EventLoop loop;
  net::Endpoint socket;
  socket.address = SocketOf(data_).string();
  Result<net::ClientResponse> out = Error(ErrorCode::kInternal, "no answer");
  loop.Post([&] {
    Detach(Run(loop,
               *remote_ ? FetchFrom(loop, **remote_, std::move(method), std::move(target),
                                    std::move(body), std::move(on_body))
                        : FetchLocally(loop, socket, std::move(method), std::move(target),
                                       std::move(body), std::move(on_body)),
               out));
  });
  loop.Run();
  if (!*remote_ && !out.ok() && out.error().code() == ErrorCode::kUnavailable) {
    return Error(
        ErrorCode::kUnavailable,
        fmt::format(
            "no server is running on {} (start it with `penstock serve --data {}`, or name another "
            "folder with --data, or a server elsewhere with --server)",
            data_.string(), data_.string()));
  }
  return out;
}

Result<Json> Client::Call(std::string method, std::string target, const Json& body) {
  PS_TRY(const net::ClientResponse response,
         Fetch(std::move(method), std::move(target), body.is_null() ? std::string() : body.Dump(),
               nullptr));
  if (response.status >= 300) return ErrorFromWire(response.status, response.body);
  return Json::Parse(response.body);
}

Result<net::Headers> Client::Head(std::string target) {
  PS_TRY(net::ClientResponse response, Fetch("HEAD", target, "", nullptr));
  if (response.status < 300) return std::move(response.headers);
  // A HEAD's refusal has no words; ask again for them.
  PS_TRY_VOID(Call("GET", std::move(target)));
  return ErrorFromWire(response.status, "");
}

Result<net::Headers> Client::Download(std::string target, std::function<Status(Bytes)> on_body) {
  PS_TRY(net::ClientResponse response, Fetch("GET", std::move(target), "", std::move(on_body)));
  if (response.status >= 300) return ErrorFromWire(response.status, response.body);
  return std::move(response.headers);
}

}  // namespace penstock::server
