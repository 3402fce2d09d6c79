// The command line's way to the server, the operations of /api/v1: by <data>/penstock.sock, or by
// the URL of --server.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "net/http/client.h"
#include "server/cli/args.h"
#include "server/cli/remote.h"

namespace penstock::server {

// <data>/penstock.sock
std::filesystem::path SocketOf(const std::filesystem::path& data);

// One request at a time; blocks. Not to be used on an executor.
class Client {
 public:
  // The server of this data folder.
  explicit Client(std::filesystem::path data) : data_(std::move(data)) {}
  // The one that the flags or the environment name; if they are wrong, each call says so.
  explicit Client(const Args& args);

  // kUnavailable if no server runs there; otherwise what the server said.
  Result<Json> Call(std::string method, std::string target, const Json& body = Json());

  // Head of a GET.
  Result<net::Headers> Head(std::string target);
  // The body of a GET, piece by piece; then its head.
  Result<net::Headers> Download(std::string target, std::function<Status(Bytes)> on_body);

 private:
  Result<net::ClientResponse> Fetch(std::string method, std::string target, std::string body,
                                    std::function<Status(Bytes)> on_body);

  std::filesystem::path data_;
  // Set: instead of the data folder's.
  Result<std::optional<RemoteServer>> remote_{std::optional<RemoteServer>()};
};

}  // namespace penstock::server
