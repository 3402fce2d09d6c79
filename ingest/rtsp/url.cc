#include "ingest/rtsp/url.h"

#include <fmt/format.h>

#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr std::string_view kScheme = "rtsp://";
constexpr std::string_view kTlsScheme = "rtsps://";

uint16_t DefaultPort(bool tls) { return tls ? 322 : 554; }
std::string_view SchemeOf(bool tls) { return tls ? kTlsScheme : kScheme; }

Error Bad(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("not an RTSP URL: {}", what));
}

// "host", "host:port", "[::1]", "[::1]:port"
Status ParseAuthority(std::string_view authority, Url& url) {
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return Bad("the '[' of the address is never closed");
    url.host = authority.substr(1, end - 1);
    const std::string_view rest = authority.substr(end + 1);
    has_port = rest.starts_with(':');
    if (!rest.empty() && !has_port) return Bad("only a port may follow the address");
    if (has_port) port = rest.substr(1);
  } else {
    has_port = authority.find(':') != std::string_view::npos;
    const auto [host, after] = Cut(authority, ':');
    url.host = host;
    port = after;
  }
  if (url.host.empty()) return Bad("no host");
  // "host:" is allowed (RFC 3986, 3.2.3).
  if (!has_port || port.empty()) return Status();
  const auto number = ParseDecimal(port);
  if (!number || *number == 0 || *number > 65535) {
    return Bad(fmt::format("bad port '{}'", Printable(port)));
  }
  url.port = static_cast<uint16_t>(*number);
  return Status();
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
  text = Trim(text);
  if (!IsAbsoluteRtspUrl(text)) return Bad("it must begin with rtsp:// or rtsps://");
  Url url;
  url.tls = StartsWithIgnoreCase(text, kTlsScheme);
  url.port = DefaultPort(url.tls);
  text.remove_prefix(SchemeOf(url.tls).size());
  for (const char c : text) {
    if (c <= ' ' || c == 0x7f) return Bad("blanks and control characters must be percent-encoded");
  }
  const size_t authority_end = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, authority_end);
  url.path = text.substr(authority_end);
  // The last '@': passwords with an '@' in them are common and otherwise unambiguous.
  const size_t at = authority.rfind('@');
  if (at != std::string_view::npos) {
    const auto [user, password] = Cut(authority.substr(0, at), ':');
    url.user = PercentDecode(user);
    url.password = PercentDecode(password);
    url.has_credentials = true;
    authority.remove_prefix(at + 1);
  }
  PS_TRY_VOID(ParseAuthority(authority, url));
  return url;
}

std::string Url::Authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

std::string Url::ToString() const {
  std::string authority = Authority();
  if (port == DefaultPort(tls)) authority.resize(authority.rfind(':'));
  return fmt::format("{}{}{}", SchemeOf(tls), authority, path);
}

bool IsAbsoluteRtspUrl(std::string_view text) {
  for (const std::string_view scheme : {kScheme, kTlsScheme}) {
    if (StartsWithIgnoreCase(text, scheme) && text.size() > scheme.size()) return true;
  }
  return false;
}

std::string ResolveControl(std::string_view base, std::string_view control) {
  control = Trim(control);
  if (control.empty() || control == "*") return std::string(base);
  if (IsAbsoluteRtspUrl(control)) return std::string(control);
  std::string out(base);
  if (control.front() == '/') {
    // From the root, if it repeats the base's path; otherwise the slash is only a clumsy separator.
    const size_t path_start = base.find('/', base.find("://") + 3);
    if (path_start != std::string_view::npos) {
      const std::string_view base_path = Cut(base.substr(path_start), '?').first;
      if (base_path.size() > 1 && control.starts_with(base_path)) {
        out.resize(path_start);
        return out += control;
      }
    }
    control.remove_prefix(1);
  }
  // A control that is only a query belongs to the base itself.
  if (!control.starts_with('?') && !out.ends_with('/')) out += '/';
  return out += control;
}

std::string QueryValue(std::string_view path_and_query, std::string_view name) {
  for (const std::string_view pair : Split(Cut(path_and_query, '?').second, '&')) {
    const auto [key, value] = Cut(pair, '=');
    if (key == name) return PercentDecode(value);
  }
  return std::string();
}

std::string PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto code =
        text[i] == '%' && i + 2 < text.size() ? ParseHex(text.substr(i + 1, 2)) : std::nullopt;
    if (code) i += 2;
    out += code ? static_cast<char>(*code) : text[i];
  }
  return out;
}

}  // namespace penstock::ingest::rtsp
