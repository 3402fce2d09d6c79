// What a request's conditions make of a handler's answer: 304, 206, 416, gzip. No sockets, no
// waiting.
#pragma once

#include <optional>
#include <string_view>

#include "net/http/http.h"

namespace penstock::net {

// `method` and `request` are the request's. See HttpServer for what the answer's headers ask for.
void ApplyConditions(std::string_view method, const Headers& request, HttpResponse& response);

// A part of a known body: offset + size <= its length.
struct ByteRange {
  uint64_t offset = 0;
  uint64_t size = 0;
};
struct RangeAnswer {
  enum class Kind { kWhole, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  ByteRange range;
};
// What "Range: …" asks of a body of that length. Several ranges, other units and malformed ones get
// the whole (RFC 9110, section 14.2).
RangeAnswer ParseRange(std::string_view value, uint64_t length);

// Whether a list of entity tags (If-None-Match) has this one, by weak comparison.
bool MatchesEtag(std::string_view list, std::string_view etag);

// Whether an Accept-Encoding value accepts gzip.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace penstock::net
