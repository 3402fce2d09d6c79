#include "server/api/router.h"

#include <fmt/format.h>

namespace penstock::server {
namespace {

struct Captures {
  std::optional<std::string_view> stream;
  std::string_view rest;
};

// Segment by segment: most patterns end the comparison at the first.
std::optional<Captures> MatchPattern(std::string_view pattern, std::string_view path) {
  Captures captures;
  for (;;) {
    const size_t wanted_end = pattern.find('/');
    const size_t found_end = path.find('/');
    const std::string_view wanted = pattern.substr(0, wanted_end);
    const std::string_view found = path.substr(0, found_end);
    const bool capture = !wanted.empty() && wanted.front() == '{';
    if (capture ? found.empty() : wanted != found) return std::nullopt;
    if (wanted == "{stream}") {
      captures.stream = found;
    } else if (capture) {
      captures.rest = found;
    }
    const bool last = wanted_end == std::string_view::npos;
    if (last != (found_end == std::string_view::npos)) return std::nullopt;
    if (last) return captures;
    pattern.remove_prefix(wanted_end + 1);
    path.remove_prefix(found_end + 1);
  }
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
