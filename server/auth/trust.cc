#include "server/auth/trust.h"

#include <algorithm>

namespace penstock::server {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Four decimal numbers below 256, the first of them 127. Nothing shorter and nothing octal: what a
// resolver makes of "127.1" is not ours to guess.
bool IsLoopbackV4(std::string_view text) {
  int parts = 0;
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || part.size() > 3) return false;
    if (part.size() > 1 && part[0] == '0') return false;
    int value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255) return false;
    if (parts == 0 && value != 127) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    text.remove_prefix(dot + 1);
  }
}

struct HeaderFacts {
  int hosts = 0;
  int origins = 0;
  bool forwarded = false;
};

HeaderFacts Look(const net::Headers& headers) {
  HeaderFacts facts;
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = Lower(name);
    if (lower == "host") ++facts.hosts;
    if (lower == "origin") ++facts.origins;
    if (lower == "forwarded" || lower == "via" || lower == "x-real-ip" ||
        lower.compare(0, 12, "x-forwarded-") == 0)
      facts.forwarded = true;
  }
  return facts;
}

}  // namespace

bool IsLoopbackHost(std::string_view host) {
  if (!host.empty() && host.front() == '[') {
    const size_t close = host.find(']');
    if (close == std::string_view::npos || host.substr(1, close - 1) != "::1") return false;
    const std::string_view rest = host.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && IsPort(rest.substr(1)));
  }
  const size_t colon = host.find(':');
  if (colon != std::string_view::npos) {
    if (!IsPort(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return Lower(host) == "localhost" || IsLoopbackV4(host);
}

bool IsTrusted(const net::HttpRequest& request) {
  if (request.over_unix_socket) return true;
  if (!request.peer.is_loopback()) return false;
  const HeaderFacts facts = Look(request.headers);
  // Two of a field is somebody trying to make us and a proxy see different ones.
  if (facts.hosts != 1 || facts.origins > 1 || facts.forwarded) return false;
  const std::string_view host = request.headers.Get("Host");
  if (!IsLoopbackHost(host)) return false;
  if (facts.origins == 0) return true;
  // We speak plain HTTP; behind TLS there would be a proxy and its forwarding fields.
  return Lower(request.headers.Get("Origin")) == "http://" + Lower(host);
}

}  // namespace penstock::server
