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
  bool carried = false;  // by a proxy, or by a browser for another site's page
};

// What proxies add; the standard's field is among them.
bool IsForwardingField(std::string_view lower) {
  return lower == "forwarded" || lower == "via" || lower.starts_with("x-forwarded") ||
         lower == "x-real-ip" || lower == "x-client-ip" || lower == "x-cluster-client-ip" ||
         lower == "true-client-ip" || lower == "cf-connecting-ip" || lower == "x-original-host" ||
         lower == "x-original-forwarded-for" || lower == "x-envoy-external-address";
}

// Browsers say for whom they ask: "none" is the person at the address bar.
bool IsForeignSite(std::string_view lower, std::string_view value) {
  return lower == "sec-fetch-site" && value != "same-origin" && value != "none";
}

// The page a browser shows came from another host than it asks now. Behind a proxy that puts its
// own name for us into Host, this is where the name that the browser knows is seen.
bool IsForeignPage(std::string_view lower, std::string_view value, std::string_view here) {
  if (lower != "referer") return false;
  const std::string page = Lower(value);
  if (!page.starts_with(here)) return true;
  return page.size() > here.size() && page[here.size()] != '/';
}

// What a browser calls the place that was asked.
std::string PlaceOf(const net::HttpRequest& request) {
  // Where TLS ends at a proxy, it says so, and is not trusted for that.
  return (request.over_tls ? "https://" : "http://") + Lower(request.headers.Get("Host"));
}

HeaderFacts Look(const net::Headers& headers, std::string_view here) {
  HeaderFacts facts;
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = Lower(name);
    if (lower == "host") ++facts.hosts;
    if (lower == "origin") ++facts.origins;
    facts.carried = facts.carried || IsForwardingField(lower) || IsForeignSite(lower, value) ||
                    IsForeignPage(lower, value, here);
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
  // What nginx speaks to its upstreams unless told otherwise, and no browser, player or SDK does.
  if (request.http_1_0) return false;
  const std::string here = PlaceOf(request);
  const HeaderFacts facts = Look(request.headers, here);
  // Two of a field is somebody trying to make us and a proxy see different ones.
  if (facts.hosts != 1 || facts.origins > 1 || facts.carried) return false;
  const std::string_view host = request.headers.Get("Host");
  if (!IsLoopbackHost(host)) return false;
  if (facts.origins == 0) return true;
  return Lower(request.headers.Get("Origin")) == here;
}

}  // namespace penstock::server
