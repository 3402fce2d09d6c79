// RTSP requests as far as a camera needs them, and Digest.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace camsim {

struct Request {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;  // names in lower case

  std::string Header(const std::string& name) const;  // empty if there is none
};

// Takes one request, or one interleaved packet (then without method), off the front of the input;
// nothing if it is not complete.
penstock::Result<std::optional<Request>> TakeRequest(std::string& input);

// The path of rtsp://host:port/path, at least "/".
std::string_view PathOf(std::string_view url);

// Whether the Authorization header proves the password by MD5 without qop or with qop=auth.
bool DigestMatches(const Request& request, std::string_view user, std::string_view password,
                   std::string_view realm, std::string_view nonce);

}  // namespace camsim
