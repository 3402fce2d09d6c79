// HTTP/1.1 heads from bytes (RFC 9112), without sockets. Strict: what two readers might understand
// differently is refused, since a proxy in front of us may be the other reader (request smuggling).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http/headers.h"

namespace penstock::net {

// Looks for the end of a head in bytes that arrive in pieces, and refuses at once what cannot
// become one, so that a peer that speaks something else is told so instead of being waited for.
// Each byte is looked at once.
class HeadScanner {
 public:
  enum class State {
    kMore,
    kComplete,   // head() is the head
    kMalformed,  // a line without CRLF, or a control character
    kTooLarge,   // no end within the limit
  };
  explicit HeadScanner(size_t bytes_max) : bytes_max_(bytes_max) {}

  // All bytes since the start of the message, of which the scanner has seen a prefix. Not to be
  // called again once it said anything but kMore.
  State Scan(std::string_view bytes);
  // From the start line to the empty line, both included; empty lines before it are left out. A
  // view into what was scanned last.
  std::string_view head() const { return head_; }
  // Where the body begins.
  size_t end() const { return position_; }

 private:
  const size_t bytes_max_;
  size_t position_ = 0;  // bytes before this have been looked at
  size_t line_ = 0;      // where the current line begins
  size_t start_ = 0;     // where the start line begins
  std::string_view head_;
};

// How the end of a body is known.
struct BodyFraming {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  uint64_t length = 0;  // kLength
};

struct RequestHead {
  std::string method;
  std::string target;
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;        // Host is the target's authority where the target has one
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  BodyFraming body;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  int minor_version = 1;
  bool keep_alive = true;
};

// What to answer to a head that is refused.
struct Refusal {
  int status = 400;
  std::string reason;
};

// Requires a head that HeadScanner called complete. Nothing if `out` is now the request.
std::optional<Refusal> ParseRequestHead(std::string_view head, RequestHead& out);
std::optional<Refusal> ParseResponseHead(std::string_view head, ResponseHead& out);
// How the body that follows is framed; `method` is the request's.
std::optional<Refusal> ResponseFraming(std::string_view method, const ResponseHead& head,
                                       BodyFraming& out);

}  // namespace penstock::net
