#include "ingest/rtsp/message.h"

#include <fmt/format.h>

#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr std::string_view kContentLength = "Content-Length";

// Takes one line, without its end, off the front.
std::string_view NextLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool IsContinuation(std::string_view line) {
  return !line.empty() && (line.front() == ' ' || line.front() == '\t');
}

Result<Response> ParseStatusLine(std::string_view line) {
  const auto [version, rest] = Cut(line, ' ');
  const auto [code, reason] = Cut(Trim(rest), ' ');
  const auto status = ParseDecimal(code);
  if (!status || code.size() != 3 || *status < 100) {
    return Error(ErrorCode::kProtocol, fmt::format("bad status line '{}'", Printable(line)));
  }
  Response response;
  response.status = static_cast<int>(*status);
  response.reason = Trim(reason);
  return response;
}

Result<Request> ParseRequestLine(std::string_view line) {
  const auto [method, rest] = Cut(line, ' ');
  // A URL with a blank in it is wrong, but unambiguous: the version is the last word.
  const size_t last_blank = rest.rfind(' ');
  if (method.empty() || last_blank == std::string_view::npos) {
    return Error(ErrorCode::kProtocol, fmt::format("bad request line '{}'", Printable(line)));
  }
  Request request;
  request.method = method;
  request.url = Trim(rest.substr(0, last_blank));
  request.version = rest.substr(last_blank + 1);
  const bool known = request.version.starts_with("RTSP/") || request.version.starts_with("HTTP/");
  if (!known || request.url.empty()) {
    return Error(ErrorCode::kProtocol, fmt::format("bad request line '{}'", Printable(line)));
  }
  return request;
}

// Lines without a colon are stepped over: cameras print debug text into their answers, and nothing
// is gained by losing them.
Headers ParseHeaders(std::string_view rest) {
  Headers headers;
  std::string name;
  std::string value;
  while (!rest.empty()) {
    const std::string_view line = NextLine(rest);
    if (IsContinuation(line)) {
      if (name.empty()) continue;
      value += ' ';
      value += Trim(line);
      continue;
    }
    if (!name.empty()) headers.Add(std::move(name), std::move(value));
    const auto [left, right] = Cut(line, ':');
    name = left.size() == line.size() ? std::string_view() : Trim(left);
    value = Trim(right);
  }
  if (!name.empty()) headers.Add(std::move(name), std::move(value));
  return headers;
}

Result<uint64_t> BodyBytes(const Headers& headers) {
  std::optional<uint64_t> bytes;
  for (const std::string_view text : headers.FindAll(kContentLength)) {
    const auto value = ParseDecimal(text);
    if (!value || (bytes && *bytes != *value)) {
      return Error(ErrorCode::kProtocol, fmt::format("bad Content-Length '{}'", Printable(text)));
    }
    bytes = value;
  }
  return bytes.value_or(0);
}

Bytes SerializeMessage(std::string text, const Headers& headers, const Bytes& body) {
  for (const auto& [name, value] : headers.fields()) {
    if (EqualsIgnoreCase(name, kContentLength)) continue;
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!body.empty()) text += fmt::format("{}: {}\r\n", kContentLength, body.size());
  text += "\r\n";
  text += body.text();
  return Bytes::From(std::move(text));
}

}  // namespace

std::optional<std::string_view> Headers::Find(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::FindAll(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : fields_) {
    if (EqualsIgnoreCase(key, name)) out.push_back(value);
  }
  return out;
}

Bytes Request::Serialize() const {
  return SerializeMessage(fmt::format("{} {} {}\r\n", method, url, version), headers, body);
}

Bytes Response::Serialize() const {
  const std::string_view words = reason.empty() ? StandardReason(status) : std::string_view(reason);
  return SerializeMessage(fmt::format("RTSP/1.0 {} {}\r\n", status, words), headers, body);
}

std::string_view StandardReason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Moved Temporarily";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Time-out";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 451:
      return "Parameter Not Understood";
    case 453:
      return "Not Enough Bandwidth";
    case 454:
      return "Session Not Found";
    case 455:
      return "Method Not Valid in This State";
    case 459:
      return "Aggregate Operation Not Allowed";
    case 461:
      return "Unsupported Transport";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "RTSP Version Not Supported";
    case 551:
      return "Option not supported";
    default:
      return "";
  }
}

Result<MessageHead> ParseMessageHead(std::string_view head) {
  std::string_view rest = head;
  const std::string_view first = NextLine(rest);
  MessageHead out;
  Headers headers = ParseHeaders(rest);
  PS_TRY(out.body_bytes, BodyBytes(headers));
  if (first.starts_with("RTSP/")) {
    PS_TRY(out.response, ParseStatusLine(first));
    out.response->headers = std::move(headers);
  } else {
    PS_TRY(out.request, ParseRequestLine(first));
    out.request->headers = std::move(headers);
  }
  return out;
}

}  // namespace penstock::ingest::rtsp
