#include "bench/camsim/request.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace camsim {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Result;

namespace {

constexpr size_t kRequestBytesMax = 64 * 1024;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string Md5(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &bytes, EVP_md5(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < bytes; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

// name="value", name=value, … behind "Digest ".
std::map<std::string, std::string> ParseParameters(std::string_view text) {
  std::map<std::string, std::string> parameters;
  while (!text.empty()) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) break;
    const std::string name = Lower(Trim(text.substr(0, equals)));
    text.remove_prefix(equals + 1);
    const bool quoted = text.starts_with('"');
    if (quoted) text.remove_prefix(1);
    const size_t end = std::min(text.find(quoted ? '"' : ','), text.size());
    parameters[name] = Trim(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(std::min(
        text.find(',') == std::string_view::npos ? text.size() : text.find(',') + 1, text.size()));
  }
  return parameters;
}

}  // namespace

std::string Request::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

Result<std::optional<Request>> TakeRequest(std::string& input) {
  if (input.starts_with('$')) {
    if (input.size() < 4) return std::optional<Request>();
    const size_t bytes = 4 + (static_cast<uint8_t>(input[2]) << 8 | static_cast<uint8_t>(input[3]));
    if (input.size() < bytes) return std::optional<Request>();
    input.erase(0, bytes);
    return std::optional<Request>(std::in_place);
  }
  const size_t end = input.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (input.size() > kRequestBytesMax) return Error(ErrorCode::kTooLarge, "request without end");
    return std::optional<Request>();
  }
  std::string_view head = std::string_view(input).substr(0, end);
  Request request;
  bool first = true;
  while (!head.empty()) {
    const size_t line_end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, line_end);
    head.remove_prefix(std::min(line_end + 2, head.size()));
    if (first) {
      const size_t a = line.find(' ');
      const size_t b = line.rfind(' ');
      if (a == std::string_view::npos || a == b)
        return Error(ErrorCode::kProtocol, "not a request");
      request.method = line.substr(0, a);
      request.url = line.substr(a + 1, b - a - 1);
      first = false;
    } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
      request.headers[Lower(line.substr(0, colon))] = Trim(line.substr(colon + 1));
    }
  }
  size_t body = 0;
  const std::string length = request.Header("content-length");
  std::from_chars(length.data(), length.data() + length.size(), body);
  if (body > kRequestBytesMax) return Error(ErrorCode::kTooLarge, "body too large");
  if (input.size() < end + 4 + body) return std::optional<Request>();
  input.erase(0, end + 4 + body);
  return std::optional<Request>(std::move(request));
}

std::string_view PathOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url.starts_with('/') ? url : "/";
  const size_t path = url.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : url.substr(path);
}

bool DigestMatches(const Request& request, std::string_view user, std::string_view password,
                   std::string_view realm, std::string_view nonce) {
  const std::string authorization = request.Header("authorization");
  constexpr std::string_view kScheme = "Digest ";
  if (!authorization.starts_with(kScheme)) return false;
  auto given = ParseParameters(std::string_view(authorization).substr(kScheme.size()));
  if (given["username"] != user || given["nonce"] != nonce || given["realm"] != realm) return false;
  const std::string secret = Md5(fmt::format("{}:{}:{}", user, realm, password));
  const std::string what = Md5(fmt::format("{}:{}", request.method, given["uri"]));
  const std::string expected =
      given["qop"].empty() ? Md5(fmt::format("{}:{}:{}", secret, nonce, what))
                           : Md5(fmt::format("{}:{}:{}:{}:{}:{}", secret, nonce, given["nc"],
                                             given["cnonce"], given["qop"], what));
  return given["response"] == expected;
}

}  // namespace camsim
