// Values as people write them in a configuration file or on a command line, and back.
// Coroutine-free.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::server {

// "500ms", "10s", "5m", "24h", "7d"; a bare 0 needs no unit.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);
// The largest unit that divides it: "90s", "24h".
std::string FormatDuration(std::chrono::milliseconds duration);

// "4096", "64KB", "16MB", "1GB" (powers of 1000), "64KiB", "1GiB" (powers of 1024).
Result<uint64_t> ParseByteSize(std::string_view text);
// For people: "1.5 GB".
std::string FormatByteSize(uint64_t bytes);

// "95%" or "0.95".
Result<double> ParseShare(std::string_view text);

Result<bool> ParseBool(std::string_view text);  // true, false, yes, no, on, off
Result<uint64_t> ParseCount(std::string_view text);

// Empty, or "http://host[:port]" or "https://host[:port]"; a slash at the end is left out.
Result<std::string> ParseServerUrl(std::string_view text);
// The name of a region: small letters, digits and '-'.
Result<std::string> ParseRegion(std::string_view text);

// Where to listen.
struct HostPort {
  std::string address;
  uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};
// "127.0.0.1:8080", "[::1]:8080", "8080" and ":8080" (all addresses), "off" (nullopt).
Result<std::optional<HostPort>> ParseListen(std::string_view text);

}  // namespace penstock::server
