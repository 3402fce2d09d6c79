// One request and one response, whatever version of HTTP carried them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/file_slice.h"
#include "base/task.h"
#include "net/tcp.h"

namespace penstock::net {

// Header fields in order; names compare without case.
class Headers {
 public:
  void Add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  void Set(std::string_view name, std::string_view value);
  // The first one, or empty.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// The body while it arrives. Read to its end or not at all (then the connection closes after the
// answer).
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece; empty at the end. kTooLarge, kClosed (the peer left in the middle), kTimeout.
  virtual Task<Result<Bytes>> Next() = 0;
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
  std::shared_ptr<BodyReader> body;  // never null

  std::string_view QueryValue(std::string_view name, std::string_view fallback = "") const;
};

// Reads the whole body; kTooLarge beyond max_bytes.
Task<Result<std::string>> ReadAll(std::shared_ptr<BodyReader> body, size_t max_bytes);

// Writes a body piece by piece, while it is made (live tails). Each Write waits until the peer has
// taken the bytes; one that takes none for limits::kHttpStalledWriteTime is cut (kTimeout).
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  virtual Task<Status> Write(ByteChain bytes) = 0;
  virtual Task<Status> SendFile(FileSlice slice) = 0;
};

// A body that is known before it is sent: pieces in order.
using BodyPart = std::variant<ByteChain, FileSlice>;
using StreamBody =
    std::function<Task<Status>(std::shared_ptr<BodyWriter>)>;  // sent with chunked coding

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::vector<BodyPart> parts;
  StreamBody stream;  // if set, parts are ignored

  HttpResponse() = default;
  HttpResponse(int s, std::string_view content_type, std::string body);
  uint64_t body_bytes() const;  // of parts
};

using HttpHandler = std::function<Task<HttpResponse>(HttpRequest)>;

}  // namespace penstock::net
