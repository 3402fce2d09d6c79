// What a request's target says: path and query, decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::net {

// Nothing if a % is not followed by two hex digits. `plus_is_space` as in forms.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// What may not stand in a path's segment or in a query's value as %XX.
std::string PercentEncode(std::string_view text);

struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  std::string authority;  // of the absolute form, else empty
};

// Origin form ("/x?y"), absolute form ("http://host/x") and "*". Nothing for anything else, for bad
// encodings, for control characters even if encoded, and for paths with ".." segments.
std::optional<Target> ParseTarget(std::string_view target);

}  // namespace penstock::net
