// One request and one response, whatever version of HTTP carried them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/file_slice.h"
#include "base/task.h"
#include "net/http/headers.h"
#include "net/tcp.h"

namespace penstock::net {

// The body while it arrives. Read to its end or not at all (then the connection closes after the
// answer).
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece as it came from the network, not gathered; empty at the end. The first call
  // tells a client that asked (Expect: 100-continue) to go on. kClosed (the peer left in the
  // middle), kTimeout, kProtocol (broken framing), kCancelled.
  virtual Task<Result<Bytes>> Next() = 0;
  // What the peer announced, if it did.
  virtual std::optional<uint64_t> size() const { return std::nullopt; }
};

struct HttpRequest {
  std::string method;
  std::string target;  // as received: "/hls/cam1/index.m3u8?start=…"
  std::string path;    // percent-decoded, without the query; no ".." segments (such requests are
                       // refused with 400)
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;
  Endpoint peer;
  bool over_unix_socket = false;
  bool over_tls = false;
  bool http_1_0 = false;  // the older protocol, which proxies speak more often than clients
  std::shared_ptr<BodyReader> body;  // never null

  std::string_view QueryValue(std::string_view name, std::string_view fallback = "") const;
};

// Reads the whole body; kTooLarge beyond max_bytes, at once where the size was announced.
Task<Result<std::string>> ReadAll(std::shared_ptr<BodyReader> body, size_t max_bytes);

// Writes a body piece by piece, while it is made (live tails). Each Write waits until the peer has
// taken the bytes; one that takes none for limits::kHttpStalledWriteTime is cut (kTimeout).
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // One call at a time.
  virtual Task<Status> Write(ByteChain bytes) = 0;
  virtual Task<Status> SendFile(FileSlice slice) = 0;
  // Fires when the peer has left or the server cuts the connection: for writers that wait for
  // something to write. Watching begins with the first call and, where the request has a body,
  // after that was read to its end.
  virtual CancelToken closed() { return CancelToken(); }
};

// A body that is known before it is sent: pieces in order.
using BodyPart = std::variant<ByteChain, FileSlice>;
// Sent with chunked coding. An error leaves the body visibly incomplete and ends the connection.
using StreamBody = std::function<Task<Status>(std::shared_ptr<BodyWriter>)>;

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::vector<BodyPart> parts;
  StreamBody stream;  // if set, parts are ignored

  HttpResponse() = default;
  HttpResponse(int s, std::string_view content_type, std::string body);
  uint64_t body_bytes() const;  // of parts
};

// {"error": message} as application/json.
HttpResponse ErrorResponse(int status, std::string_view message);

using HttpHandler = std::function<Task<HttpResponse>(HttpRequest)>;

}  // namespace penstock::net
