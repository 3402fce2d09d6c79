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
bool IsOneLine(std::string_view text);     // as that, but for carriage returns
bool IsHubArn(std::string_view text);      // arn:<partition>:iot:<region>:<account>:thing/<name>
bool IsSecretArn(std::string_view text);   // arn:<partition>:secretsmanager:…:secret:<name>
bool IsDestinationUri(std::string_view text);  // s3://bucket/beginning, arn:aws:sns:…
bool IsImageUri(std::string_view text);        // as that, and file:///folder/prefix
bool IsRegionName(std::string_view text);      // eu-west-1
bool IsFormatValue(std::string_view text);     // letters, digits, '_'

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
inline constexpr Pattern kOneLine{"[^\\n]{11,100}", IsOneLine};
inline constexpr Pattern kHubArn{"arn:[a-z\\d-]+:iot:[a-z0-9-]+:[0-9]+:thing/[a-zA-Z0-9_.-]+",
                                 IsHubArn};
inline constexpr Pattern kSecretArn{
    "arn:[a-z\\d-]+:secretsmanager:[a-z0-9-]+:[0-9]+:secret:[a-zA-Z0-9_.-]+", IsSecretArn};
inline constexpr Pattern kDestinationUri{"^[a-zA-Z_0-9]+:(//)?([^/]+)/?([^*]*)$", IsDestinationUri};
inline constexpr Pattern kImageUri{"^[a-zA-Z_0-9]+:(//)?([^/]+)/?([^*]*)$", IsImageUri};
inline constexpr Pattern kRegionName{"^[a-z]+(-[a-z]+)?-[a-z]+-[0-9]$", IsRegionName};
inline constexpr Pattern kFormatValue{"^[a-zA-Z_0-9]+", IsFormatValue};

}  // namespace penstock::server::wire
