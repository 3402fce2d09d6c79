// The command line's way to the server: <data>/penstock.sock, the same operations as /api/v1.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/json.h"
#include "net/http/http.h"

namespace penstock::server {

// <data>/penstock.sock
std::filesystem::path SocketOf(const std::filesystem::path& data);

// One request at a time; blocks. Not to be used on an executor.
class Client {
 public:
  explicit Client(std::filesystem::path data) : data_(std::move(data)) {}

  // kUnavailable if no server runs on this data folder; otherwise what the server said.
  Result<Json> Call(std::string method, std::string target, const Json& body = Json());

  // Head of a GET.
  Result<net::Headers> Head(std::string target);
  // The body of a GET, piece by piece; then its head.
  Result<net::Headers> Download(std::string target, std::function<Status(Bytes)> on_body);

 private:
  std::filesystem::path data_;
};

}  // namespace penstock::server
