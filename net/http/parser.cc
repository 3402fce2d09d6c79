#include "net/http/parser.h"

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "net/http/target.h"

namespace penstock::net {
namespace {

// tchar of RFC 9110, section 5.6.2.
constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c)
    table[static_cast<size_t>(c)] = table[static_cast<size_t>(c + 32)] = true;
  for (const char c :
       {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<size_t>(c)] = true;
  }
  return table;
}();

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return kTokenChars[static_cast<unsigned char>(c)];
  });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Refusal Malformed(std::string reason) { return Refusal{400, std::move(reason)}; }

// The line without its CRLF; `rest` goes on after it. The scanner has seen that every line has one.
std::string_view TakeLine(std::string_view& rest) {
  const size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 2, rest.size()));
  return line;
}

std::optional<Refusal> ParseFields(std::string_view rest, Headers& out) {
  for (std::string_view line = TakeLine(rest); !line.empty(); line = TakeLine(rest)) {
    if (line.front() == ' ' || line.front() == '\t') return Malformed("a header line is folded");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Malformed("a header line has no colon");
    const std::string_view name = line.substr(0, colon);
    // Also refuses a space before the colon, which some readers take as part of the name.
    if (!IsToken(name)) return Malformed("a header's name has a character that is not allowed");
    if (out.fields().size() >= limits::kHttpFieldsMax)
      return Refusal{431, "too many header fields"};
    out.Add(name, TrimSpaces(line.substr(colon + 1)));
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseLength(std::string_view text) {
  // 18 digits cannot overflow and are far beyond any disk.
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), IsDigit))
    return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<uint64_t>(c - '0');
  return value;
}

// What Content-Length and Transfer-Encoding say together; kNone if neither is there.
std::optional<Refusal> ParseFraming(const Headers& headers, int minor_version, BodyFraming& out) {
  const size_t lengths = headers.Count("Content-Length");
  const size_t codings = headers.Count("Transfer-Encoding");
  if (lengths + codings == 0) return std::nullopt;
  if (lengths > 0 && codings > 0) return Malformed("both Content-Length and Transfer-Encoding");
  if (lengths > 1) return Malformed("more than one Content-Length");
  if (codings > 1) return Malformed("more than one Transfer-Encoding");
  if (lengths == 1) {
    const auto length = ParseLength(headers.Get("Content-Length"));
    if (!length.has_value()) return Malformed("Content-Length is not a length");
    out.kind = BodyFraming::Kind::kLength;
    out.length = *length;
    return std::nullopt;
  }
  if (minor_version == 0) return Malformed("Transfer-Encoding with HTTP/1.0");
  if (!EqualsIgnoreCase(headers.Get("Transfer-Encoding"), "chunked")) {
    return Refusal{501, "only the chunked transfer coding is supported"};
  }
  out.kind = BodyFraming::Kind::kChunked;
  return std::nullopt;
}

// "HTTP/1.1"
std::optional<Refusal> ParseVersion(std::string_view text, int& minor_version) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || !IsDigit(text[5]) || text[6] != '.' ||
      !IsDigit(text[7])) {
    return Malformed("the version is malformed");
  }
  if (text[5] != '1') return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are supported"};
  minor_version = text[7] == '0' ? 0 : 1;
  return std::nullopt;
}

bool KeepsAlive(const Headers& headers, int minor_version) {
  bool close = false;
  bool keep = minor_version >= 1;
  for (const auto& [name, value] : headers.fields()) {
    if (!EqualsIgnoreCase(name, "Connection")) continue;
    close = close || ListContains(value, "close");
    keep = keep || ListContains(value, "keep-alive");
  }
  return keep && !close;
}

std::optional<Refusal> ParseRequestLine(std::string_view line, RequestHead& out) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return Malformed("the request line is malformed");
  const std::string_view method = line.substr(0, first);
  if (!IsToken(method)) return Malformed("the method is malformed");
  if (auto refusal = ParseVersion(line.substr(last + 1), out.minor_version)) return refusal;
  out.method = method;
  out.target = line.substr(first + 1, last - first - 1);
  if (method == "CONNECT") return Refusal{501, "CONNECT is not supported"};
  return std::nullopt;
}

// Host says who was asked; our own trust depends on it, so it must be there once and be the
// target's.
std::optional<Refusal> CheckHost(const std::string& authority, RequestHead& head) {
  const size_t hosts = head.headers.Count("Host");
  if (hosts > 1) return Malformed("more than one Host");
  if (hosts == 0 && head.minor_version >= 1) return Malformed("Host is missing");
  if (!authority.empty()) head.headers.Set("Host", authority);
  const std::string_view host = head.headers.Get("Host");
  if (host.find_first_of(" \t,/@?#\\") != std::string_view::npos)
    return Malformed("Host is malformed");
  return std::nullopt;
}

}  // namespace

HeadScanner::State HeadScanner::Scan(std::string_view bytes) {
  const size_t end = std::min(bytes.size(), bytes_max_);
  for (; position_ < end; ++position_) {
    const auto c = static_cast<unsigned char>(bytes[position_]);
    const bool after_cr = position_ > line_ && bytes[position_ - 1] == '\r';
    if (after_cr != (c == '\n')) return State::kMalformed;
    if (c != '\n') {
      if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) return State::kMalformed;
      continue;
    }
    const bool empty = position_ - line_ == 1;
    const bool before_start = line_ == start_;
    line_ = position_ + 1;
    if (!empty) continue;
    if (before_start) {
      // Some clients send an empty line after a body; RFC 9112 asks to overlook it.
      start_ = line_;
      continue;
    }
    head_ = bytes.substr(start_, line_ - start_);
    ++position_;
    return State::kComplete;
  }
  return position_ >= bytes_max_ ? State::kTooLarge : State::kMore;
}

std::optional<Refusal> ParseRequestHead(std::string_view head, RequestHead& out) {
  if (auto refusal = ParseRequestLine(TakeLine(head), out)) return refusal;
  auto target = ParseTarget(out.target);
  if (!target.has_value()) return Malformed("the request target is malformed");
  if (out.target == "*" && out.method != "OPTIONS")
    return Malformed("the request target is malformed");
  out.path = std::move(target->path);
  out.query = std::move(target->query);
  if (auto refusal = ParseFields(head, out.headers)) return refusal;
  if (auto refusal = CheckHost(target->authority, out)) return refusal;
  if (auto refusal = ParseFraming(out.headers, out.minor_version, out.body)) return refusal;
  out.keep_alive = KeepsAlive(out.headers, out.minor_version);
  if (out.headers.Has("Expect") && out.minor_version >= 1) {
    if (!EqualsIgnoreCase(out.headers.Get("Expect"), "100-continue")) {
      return Refusal{417, "the only expectation known is 100-continue"};
    }
    out.expects_continue = true;
  }
  return std::nullopt;
}

std::optional<Refusal> ParseResponseHead(std::string_view head, ResponseHead& out) {
  const std::string_view line = TakeLine(head);
  // "HTTP/1.1 200 OK"; the reason may be empty, and its space missing.
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return Malformed("the status line is malformed");
  }
  if (auto refusal = ParseVersion(line.substr(0, 8), out.minor_version)) return refusal;
  const std::string_view status = line.substr(9, 3);
  if (!std::all_of(status.begin(), status.end(), IsDigit) || status[0] == '0') {
    return Malformed("the status is malformed");
  }
  out.status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
  if (auto refusal = ParseFields(head, out.headers)) return refusal;
  out.keep_alive = KeepsAlive(out.headers, out.minor_version);
  return std::nullopt;
}

std::optional<Refusal> ResponseFraming(std::string_view method, const ResponseHead& head,
                                       BodyFraming& out) {
  out = BodyFraming();
  const bool empty =
      method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304;
  if (empty) return std::nullopt;
  if (auto refusal = ParseFraming(head.headers, head.minor_version, out)) return refusal;
  if (out.kind == BodyFraming::Kind::kNone) out.kind = BodyFraming::Kind::kUntilClose;
  return std::nullopt;
}

}  // namespace penstock::net
