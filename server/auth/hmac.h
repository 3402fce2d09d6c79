#pragma once

#include <string>
#include <string_view>

namespace penstock::server {

// 32 bytes, RFC 2104 over SHA-256.
std::string HmacSha256(std::string_view key, std::string_view text);

}  // namespace penstock::server
