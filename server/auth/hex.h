#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace penstock::server {

std::string ToHex(ByteSpan bytes);
// nullopt if it is not an even number of hexadecimal digits.
std::optional<std::string> FromHex(std::string_view hex);
// RFC 4648 §4, with padding.
std::string ToBase64(ByteSpan bytes);
// RFC 4648 §4, padding optional; nullopt for anything else.
std::optional<std::string> FromBase64(std::string_view text);
// RFC 4648 §5, without padding.
std::string ToBase64Url(ByteSpan bytes);
std::optional<std::string> FromBase64Url(std::string_view text);
bool IsBase64UrlDigit(char c);

}  // namespace penstock::server
