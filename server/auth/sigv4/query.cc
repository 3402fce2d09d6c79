#include "server/auth/sigv4/query.h"

#include <algorithm>

#include "net/http/target.h"

namespace penstock::server::sigv4 {

std::optional<Pairs> ReadQuery(std::string_view target) {
  Pairs pairs;
  const size_t question = target.find('?');
  if (question == std::string_view::npos) return pairs;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = net::PercentDecode(pair.substr(0, equals), false);
    const auto value = net::PercentDecode(
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), false);
    if (!name || !value) return std::nullopt;
    pairs.emplace_back(*name, *value);
  }
  return pairs;
}

std::string_view PathOf(std::string_view target) {
  std::string_view path = target.substr(0, target.find('?'));
  const size_t scheme = path.find("://");
  if (!path.empty() && path.front() != '/' && scheme != std::string_view::npos) {
    const size_t slash = path.find('/', scheme + 3);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return path.empty() ? std::string_view("/") : path;
}

std::string UriEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.' || c == '~';
    if (bare) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace penstock::server::sigv4
