// The patterns that inputs of many operations share.
#pragma once

#include "server/wire/shape.h"

namespace penstock::server::wire {

inline constexpr bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsName(std::string_view text);        // letters, digits, '_', '.', '-'
bool IsWord(std::string_view text);        // letters, digits
bool IsDigits(std::string_view text);      // digits
bool IsBase64(std::string_view text);      // RFC 4648 §4, not its length; may be empty
bool IsVideoArn(std::string_view text);    // arn:<partition>:kinesisvideo:<region>:<account>:…
bool IsMediaTypes(std::string_view text);  // video/h264,audio/aac
bool IsTagText(std::string_view text);     // see TagKey and TagValue of the services
bool IsAnyLine(std::string_view text);     // no line break in it

inline constexpr Pattern kName{"[a-zA-Z0-9_.-]+", IsName};
inline constexpr Pattern kWord{"[a-zA-Z0-9]+", IsWord};
inline constexpr Pattern kDigits{"^[0-9]+$", IsDigits};
inline constexpr Pattern kBase64{"[a-zA-Z0-9+/=]*", IsBase64};
inline constexpr Pattern kVideoArn{
    "arn:[a-z\\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:[a-z]+/[a-zA-Z0-9_.-]+/[0-9]+", IsVideoArn};
inline constexpr Pattern kMediaTypes{
    "[\\w\\-\\.\\+]+/[\\w\\-\\.\\+]+(,[\\w\\-\\.\\+]+/[\\w\\-\\.\\+]+)*", IsMediaTypes};
inline constexpr Pattern kTagText{"^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$", IsTagText};
inline constexpr Pattern kAnyLine{".+", IsAnyLine};

}  // namespace penstock::server::wire
