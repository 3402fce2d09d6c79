// Requests and responses of RTSP 1.0 (RFC 2326), as text and as values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::ingest::rtsp {

// In the order they came; names compare without case.
class Headers {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  // The first of that name.
  std::optional<std::string_view> Find(std::string_view name) const;
  // Every one of that name, for those that may come several times (WWW-Authenticate).
  std::vector<std::string_view> FindAll(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method;  // as sent; methods are case-sensitive
  std::string url;
  std::string version = "RTSP/1.0";
  Headers headers;
  Bytes body;

  // With Content-Length made from the body; any in the headers is left out.
  Bytes Serialize() const;
};

struct Response {
  int status = 200;
  std::string reason;
  Headers headers;
  Bytes body;

  Bytes Serialize() const;
};

// "Not Found"; "" for a number without a name.
std::string_view StandardReason(int status);

// The head of a message, without the blank line that ends it. `body` is what Content-Length
// announces (0 if it does not). Lines may end with LF alone and may be folded. kProtocol says what
// is wrong.
struct MessageHead {
  std::optional<Request> request;  // one of the two
  std::optional<Response> response;
  uint64_t body_bytes = 0;
};
Result<MessageHead> ParseMessageHead(std::string_view head);

}  // namespace penstock::ingest::rtsp
