// rtsp:// and rtsps:// URLs as people and cameras write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::ingest::rtsp {

struct Url {
  bool tls = false;  // rtsps://
  std::string user;  // percent-decoded
  std::string password;
  bool has_credentials = false;
  std::string host;     // without the brackets of an IPv6 address
  uint16_t port = 554;  // 322 by default over TLS
  std::string path;     // with the query, as written; may be empty

  // kInvalidArgument says what is wrong in words for people; never repeats the password.
  static Result<Url> Parse(std::string_view text);

  // "rtsp[s]://host[:port]/path?query": what is sent in requests. Credentials never are.
  std::string ToString() const;
  // "host:port"
  std::string Authority() const;
};

// The URL of a medium (or of the whole session) from its a=control attribute. `base` is the
// Content-Base, Content-Location or request URL, in that order. An absolute control stands for
// itself; "" and "*" mean the base; a relative one is appended after exactly one slash, behind the
// base's query if it has one: not RFC 3986, but what every camera expects.
std::string ResolveControl(std::string_view base, std::string_view control);

bool IsAbsoluteRtspUrl(std::string_view text);

// The value of a query parameter in a path with query, percent-decoded; empty if it is not there.
std::string QueryValue(std::string_view path_and_query, std::string_view name);

std::string PercentDecode(std::string_view text);

}  // namespace penstock::ingest::rtsp
