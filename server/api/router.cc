#include "server/api/router.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::server {
namespace {

// The text before the next slash; `rest` moves behind it.
std::string_view TakeSegment(std::string_view& rest) {
  const size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return segment;
}

struct Captures {
  std::optional<std::string_view> stream;
  std::string_view rest;
};

std::optional<Captures> MatchPattern(std::string_view pattern, std::string_view path) {
  Captures captures;
  const auto slashes = [](std::string_view text) {
    return std::count(text.begin(), text.end(), '/');
  };
  if (slashes(pattern) != slashes(path)) return std::nullopt;
  while (!pattern.empty() || !path.empty()) {
    const std::string_view wanted = TakeSegment(pattern);
    const std::string_view found = TakeSegment(path);
    const bool capture = !wanted.empty() && wanted.front() == '{';
    if (capture && found.empty()) return std::nullopt;
    if (wanted == "{stream}") {
      captures.stream = found;
    } else if (capture) {
      captures.rest = found;
    } else if (wanted != found) {
      return std::nullopt;
    }
  }
  return captures;
}

}  // namespace

Result<Match> FindOperation(std::string_view method, std::string_view path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allow;
  for (const Operation& operation : Operations()) {
    const auto captures = MatchPattern(operation.pattern, path);
    if (!captures) continue;
    if (operation.method != wanted) {
      allow += fmt::format("{}{}", allow.empty() ? "" : ", ", operation.method);
      continue;
    }
    Match match;
    match.operation = &operation;
    match.rest = std::string(captures->rest);
    if (captures->stream) {
      PS_TRY(match.stream, StreamName::Parse(*captures->stream));
    }
    return match;
  }
  if (!allow.empty()) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("{} is not for {}; it takes {}", path, method, allow));
  }
  return Error(ErrorCode::kNotFound, fmt::format("there is nothing at {}", path));
}

}  // namespace penstock::server
