#include "server/config/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace penstock::server {
namespace {

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr Unit kDurations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

constexpr Unit kSizes[] = {{"", 1},
                           {"B", 1},
                           {"KB", 1000},
                           {"MB", 1000'000},
                           {"GB", 1000'000'000},
                           {"TB", 1000'000'000'000},
                           {"KiB", 1ull << 10},
                           {"MiB", 1ull << 20},
                           {"GiB", 1ull << 30},
                           {"TiB", 1ull << 40}};

// Digits, then one of the units. The product must stay below 2^62, so that nobody downstream needs
// to think of overflow.
template <size_t N>
std::optional<uint64_t> Scaled(std::string_view text, const Unit (&units)[N]) {
  uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return std::nullopt;
  std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  for (const Unit& unit : units) {
    if (rest != unit.name) continue;
    if (number > (uint64_t{1} << 62) / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto ms = Scaled(text, kDurations);
  if (!ms) {
    return Invalid(
        fmt::format("'{}' is no duration; write for example 500ms, 10s, 5m, 24h or 7d", text));
  }
  return std::chrono::milliseconds(static_cast<int64_t>(*ms));
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  const auto ms = static_cast<uint64_t>(duration.count());
  if (ms == 0) return "0";
  Unit best = kDurations[0];
  for (const Unit& unit : kDurations) {
    if (unit.name != "d" && ms % unit.factor == 0) best = unit;
  }
  return fmt::format("{}{}", ms / best.factor, best.name);
}

Result<uint64_t> ParseByteSize(std::string_view text) {
  const auto bytes = Scaled(text, kSizes);
  if (!bytes) {
    return Invalid(fmt::format("'{}' is no size; write for example 64KB, 16MB, 1GB or 1GiB", text));
  }
  return *bytes;
}

std::string FormatByteSize(uint64_t bytes) {
  constexpr std::string_view kNames[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kNames)) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, kNames[unit]);
}

Result<double> ParseShare(std::string_view text) {
  std::string_view digits = text;
  const bool percent = !digits.empty() && digits.back() == '%';
  if (percent) digits.remove_suffix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
    return Invalid(fmt::format("'{}' is no share; write for example 95% or 0.95", text));
  }
  return percent ? value / 100 : value;
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return Invalid(fmt::format("'{}' is neither true nor false", text));
}

Result<uint64_t> ParseCount(std::string_view text) {
  uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value >= uint64_t{1} << 62) {
    return Invalid(fmt::format("'{}' is no whole number", text));
  }
  return value;
}

Result<std::optional<HostPort>> ParseListen(std::string_view text) {
  if (text == "off") return std::optional<HostPort>();
  HostPort out{"0.0.0.0", 0};
  std::string_view port = text;
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    port = text.substr(colon + 1);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (!bracketed && host.find(':') != std::string_view::npos) {
      return Invalid(
          fmt::format("'{}': write an IPv6 address in brackets, as in [::1]:8080", text));
    }
    if (!host.empty()) out.address = host == "*" ? "0.0.0.0" : host;
  }
  const auto number = ParseCount(port);
  if (!number.ok() || *number > 65535) {
    return Invalid(fmt::format(
        "'{}' is no address to listen on; write for example 127.0.0.1:8080, 8080 or off", text));
  }
  out.port = static_cast<uint16_t>(*number);
  return std::optional<HostPort>(out);
}

Result<std::string> ParseServerUrl(std::string_view text) {
  const Error bad(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is not http://host[:port] or https://host[:port]", text));
  std::string_view rest = text;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  const bool has_scheme = rest.size() < text.size();
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (!text.empty() && (!has_scheme || rest.empty())) return bad;
  for (const char c : rest) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._:[]").find(c) != std::string_view::npos;
    if (!fits) return bad;
  }
  return std::string(text.substr(0, text.size() - (text.ends_with('/') ? 1 : 0)));
}

Result<std::string> ParseRegion(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (good) return std::string(text);
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("'{}' has others than small letters, digits and -", text));
}

}  // namespace penstock::server
