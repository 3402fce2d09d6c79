#include "server/outgoing/http_url.h"

#include <algorithm>
#include <charconv>

#include "net/http/headers.h"
#include "net/http/target.h"

namespace penstock::server {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

Error Wrong(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, "The URL " + std::string(what) + ".");
}

bool BeginsWith(std::string_view text, std::string_view scheme) {
  return net::EqualsIgnoreCase(text.substr(0, scheme.size()), scheme);
}

// What could end a line of the request, or be read in two ways.
bool IsClean(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7f' &&
           std::string_view("\\\"<>^`{|}").find(c) == std::string_view::npos;
  });
}

bool IsHost(std::string_view text, bool numeric_v6) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [numeric_v6](char c) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return word || c == '.' || (numeric_v6 ? c == ':' : c == '-' || c == '_');
  });
}

// "host", "host:port", "[address]", "[address]:port".
Status ReadPlace(std::string_view text, HttpUrl& url) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return Wrong("has an address without its closing bracket");
    url.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (!IsHost(url.host, true)) return Wrong("has no host");
  } else {
    url.host = text.substr(0, text.find(':'));
    rest = text.substr(url.host.size());
    if (!IsHost(url.host, false)) return Wrong("has no host, or one that cannot be");
  }
  if (rest.empty()) return Status();
  if (rest.front() != ':') return Wrong("has more behind its host than a port");
  rest.remove_prefix(1);
  const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
  if (failure != std::errc() || end != rest.data() + rest.size() || url.port == 0)
    return Wrong("has a port that is none");
  return Status();
}

}  // namespace

bool IsHttpUrl(std::string_view text) {
  return BeginsWith(text, kHttp) || BeginsWith(text, kHttps);
}

Result<HttpUrl> HttpUrl::Parse(std::string_view text) {
  HttpUrl url;
  if (!IsHttpUrl(text)) return Wrong("begins with neither http:// nor https://");
  url.tls = BeginsWith(text, kHttps);
  if (url.tls) url.port = 443;
  text.remove_prefix(url.tls ? kHttps.size() : kHttp.size());
  if (!IsClean(text)) return Wrong("has characters that have to be written as %XX");
  text = text.substr(0, text.find('#'));
  std::string_view place = text.substr(0, text.find_first_of("/?"));
  const std::string_view target = text.substr(place.size());
  const size_t at = place.rfind('@');
  if (at != std::string_view::npos) {
    const auto login = net::PercentDecode(place.substr(0, at), false);
    if (!login) return Wrong("has a % in its login that stands for nothing");
    url.login = *login;
    place.remove_prefix(at + 1);
  }
  PS_TRY_VOID(ReadPlace(place, url));
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

std::string HttpUrl::Authority() const {
  std::string out = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

std::string HttpUrl::Place() const { return std::string(tls ? kHttps : kHttp) + Authority(); }

}  // namespace penstock::server
