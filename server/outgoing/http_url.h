// http:// and https:// URLs of servers that we send requests to. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::server {

struct HttpUrl {
  bool tls = false;
  std::string login;   // "user:password", decoded; empty: none
  std::string host;    // without the brackets of an IPv6 address
  uint16_t port = 80;  // 443 by default over TLS
  std::string target;  // path and query, as written; "/" if there is none

  // kInvalidArgument says what is wrong in words for people, and repeats nothing of it: what stands
  // behind the host may be secret.
  static Result<HttpUrl> Parse(std::string_view text);

  // What Host says: without the scheme's own port.
  std::string Authority() const;
  // For logs: no login, no path.
  std::string Place() const;
};

// Whether it begins like one, so that Parse says what is wrong with it.
bool IsHttpUrl(std::string_view text);

}  // namespace penstock::server
