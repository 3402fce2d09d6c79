#include "server/auth/hex.h"

#include <algorithm>

namespace penstock::server {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

// Between RFC 4648's two alphabets.
std::string Swapped(std::string text, std::string_view from, std::string_view to) {
  for (char& c : text) {
    const size_t at = from.find(c);
    if (at != std::string_view::npos) c = to[at];
  }
  return text;
}

constexpr std::string_view kOrdinaryDigits = "+/";
constexpr std::string_view kUrlDigits = "-_";

}  // namespace

std::string ToHex(ByteSpan bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexDigit(hex[i]);
    const int low = HexDigit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

std::string ToBase64(ByteSpan bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t taken = std::min<size_t>(3, bytes.size() - at);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < taken ? bytes[at + i] : 0u);
    for (size_t i = 0; i < 4; ++i)
      out.push_back(i <= taken ? kDigits[bits >> (18 - 6 * i) & 63] : '=');
  }
  return out;
}

std::optional<std::string> FromBase64(std::string_view text) {
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = Base64Digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  return out;
}

std::string ToBase64Url(ByteSpan bytes) {
  std::string text = ToBase64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  return Swapped(std::move(text), kOrdinaryDigits, kUrlDigits);
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), IsBase64UrlDigit)) return std::nullopt;
  return FromBase64(Swapped(std::string(text), kUrlDigits, kOrdinaryDigits));
}

bool IsBase64UrlDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kUrlDigits.find(c) != std::string_view::npos;
}

}  // namespace penstock::server
