#include "net/http/conditions.h"

#include <algorithm>

#include "base/limits.h"
#include "net/http/gzip.h"

namespace penstock::net {
namespace {

// Digits only; values beyond any file become the largest.
std::optional<uint64_t> ParseNumber(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  if (text.size() > 18) return UINT64_MAX;
  uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<uint64_t>(c - '0');
  return value;
}

std::string_view WithoutWeakness(std::string_view etag) {
  return etag.substr(0, 2) == "W/" ? etag.substr(2) : etag;
}

void KeepRange(std::vector<BodyPart>& parts, ByteRange range) {
  std::vector<BodyPart> kept;
  uint64_t skip = range.offset;
  uint64_t left = range.size;
  for (BodyPart& part : parts) {
    auto* slice = std::get_if<FileSlice>(&part);
    const uint64_t size = slice != nullptr ? slice->size : std::get<ByteChain>(part).size();
    const uint64_t from = std::min(skip, size);
    const uint64_t take = std::min(size - from, left);
    skip -= from;
    left -= take;
    if (take == 0) continue;
    if (slice != nullptr) {
      kept.emplace_back(FileSlice{slice->file, slice->offset + from, take});
    } else {
      kept.emplace_back(
          std::get<ByteChain>(part).Slice(static_cast<size_t>(from), static_cast<size_t>(take)));
    }
  }
  parts = std::move(kept);
}

// RFC 9110, section 13.1.5: a range of what is no longer the same thing would be garbage. A date
// must be exactly ours.
bool IfRangeHolds(const Headers& request, const Headers& response) {
  if (!request.Has("If-Range")) return true;
  const std::string_view wanted = request.Get("If-Range");
  const std::string_view etag = response.Get("ETag");
  if (!etag.empty() && etag.front() == '"' && wanted == etag) return true;
  return response.Has("Last-Modified") && wanted == response.Get("Last-Modified");
}

// True if the answer is now a part, or none.
bool ApplyRange(const Headers& request, HttpResponse& response) {
  if (!request.Has("Range") || !IfRangeHolds(request, response.headers)) return false;
  const uint64_t length = response.body_bytes();
  const RangeAnswer answer = ParseRange(request.Get("Range"), length);
  const std::string total = std::to_string(length);
  switch (answer.kind) {
    case RangeAnswer::Kind::kWhole:
      return false;
    case RangeAnswer::Kind::kUnsatisfiable:
      response.status = 416;
      response.headers.Set("Content-Range", "bytes */" + total);
      response.parts.clear();
      return true;
    case RangeAnswer::Kind::kPart:
      response.status = 206;
      response.headers.Set("Content-Range",
                           "bytes " + std::to_string(answer.range.offset) + "-" +
                               std::to_string(answer.range.offset + answer.range.size - 1) + "/" +
                               total);
      KeepRange(response.parts, answer.range);
      return true;
  }
  return false;
}

void AddVary(Headers& headers) {
  const std::string_view before = headers.Get("Vary");
  if (ListContains(before, "Accept-Encoding") || before == "*") return;
  headers.Set("Vary",
              before.empty() ? "Accept-Encoding" : std::string(before) + ", Accept-Encoding");
}

void Compress(HttpResponse& response) {
  ByteChain plain;
  for (const BodyPart& part : response.parts) {
    const auto* bytes = std::get_if<ByteChain>(&part);
    if (bytes == nullptr) return;  // files go out as they lie on disk
    plain.Append(*bytes);
  }
  if (plain.size() < limits::kHttpCompressBytesMin) return;
  auto compressed = GzipCompress(plain);
  if (!compressed.has_value() || compressed->size() >= plain.size()) return;
  response.parts.clear();
  response.parts.emplace_back(ByteChain(std::move(*compressed)));
  response.headers.Set("Content-Encoding", "gzip");
  // The same thing in other bytes: a strong tag would promise the same bytes.
  const std::string etag(response.headers.Get("ETag"));
  if (!etag.empty() && etag.front() == '"') response.headers.Set("ETag", "W/" + etag);
}

}  // namespace

RangeAnswer ParseRange(std::string_view value, uint64_t length) {
  RangeAnswer whole;
  constexpr std::string_view kUnit = "bytes=";
  if (!EqualsIgnoreCase(value.substr(0, kUnit.size()), kUnit)) return whole;
  const std::string_view set = TrimSpaces(value.substr(kUnit.size()));
  const size_t dash = set.find('-');
  if (dash == std::string_view::npos || set.find(',') != std::string_view::npos) return whole;
  const auto first = ParseNumber(set.substr(0, dash));
  const auto last = ParseNumber(set.substr(dash + 1));
  if (!first.has_value() && dash > 0) return whole;
  if (!last.has_value() && dash + 1 < set.size()) return whole;
  RangeAnswer none;
  none.kind = RangeAnswer::Kind::kUnsatisfiable;
  RangeAnswer part;
  part.kind = RangeAnswer::Kind::kPart;
  if (!first.has_value()) {
    if (!last.has_value()) return whole;  // "bytes=-"
    if (*last == 0 || length == 0) return none;
    part.range.size = std::min(*last, length);
    part.range.offset = length - part.range.size;
    return part;
  }
  if (last.has_value() && *last < *first) return whole;
  if (*first >= length) return none;
  part.range.offset = *first;
  part.range.size = std::min(last.value_or(length - 1), length - 1) - *first + 1;
  return part;
}

bool MatchesEtag(std::string_view list, std::string_view etag) {
  if (TrimSpaces(list) == "*") return true;
  while (!list.empty()) {
    if (WithoutWeakness(NextListElement(list)) == WithoutWeakness(etag)) return true;
  }
  return false;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    std::string_view element = NextListElement(accept_encoding);
    const size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view coding = TrimSpaces(element.substr(0, semicolon));
    if (!EqualsIgnoreCase(coding, "gzip") && coding != "*") continue;
    std::string_view weight = TrimSpaces(element.substr(std::min(semicolon + 1, element.size())));
    // "q=0", "q=0.000": refused.
    if (weight.size() < 3 || !EqualsIgnoreCase(weight.substr(0, 2), "q=")) return true;
    return weight.substr(2).find_first_not_of("0.") != std::string_view::npos;
  }
  return false;
}

void ApplyConditions(std::string_view method, const Headers& request, HttpResponse& response) {
  const bool compress = response.headers.Get("Penstock-Compress") == "yes";
  response.headers.Remove("Penstock-Compress");
  if (compress) AddVary(response.headers);
  if (response.status != 200 || (method != "GET" && method != "HEAD")) {
    if (compress && AcceptsGzip(request.Get("Accept-Encoding"))) Compress(response);
    return;
  }
  if (request.Has("If-None-Match") && response.headers.Has("ETag") &&
      MatchesEtag(request.Get("If-None-Match"), response.headers.Get("ETag"))) {
    response.status = 304;
    response.parts.clear();
    response.stream = nullptr;
    response.headers.Remove("Content-Type");
    return;
  }
  if (response.stream) return;
  // A range is one of GET alone (RFC 9110, section 14.2).
  if (method == "GET" && response.headers.Get("Accept-Ranges") == "bytes" &&
      ApplyRange(request, response))
    return;
  if (compress && AcceptsGzip(request.Get("Accept-Encoding"))) Compress(response);
}

}  // namespace penstock::net
