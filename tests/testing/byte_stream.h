// Access units as byte streams and with lengths, written out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace penstock::testing {

using namespace std::string_view_literals;  // NOLINT: bytes of which some are 0

inline constexpr std::string_view kStartCode = "\0\0\0\1"sv;
inline constexpr std::string_view kShortStartCode = "\0\0\1"sv;

// Of a 320x184 Constrained Baseline picture, level 1.3, as in UploadBody::Avcc.
inline constexpr std::string_view kSps = "\x67\x42\xc0\x0d\xda\x05\x06\x7e\x5c"sv;
inline constexpr std::string_view kPps = "\x68\xce\x3c\x80"sv;

inline std::string InByteStream(const std::vector<std::string>& units,
                                std::string_view code = kStartCode) {
  std::string out;
  for (const std::string& unit : units) out += std::string(code) + unit;
  return out;
}

inline std::string WithLengths(const std::vector<std::string>& units) {
  std::string out;
  for (const std::string& unit : units) {
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(unit.size() >> shift);
    out += unit;
  }
  return out;
}

// In pieces of so many bytes.
inline ByteChain InPieces(std::string_view text, size_t piece) {
  ByteChain out;
  for (size_t at = 0; at < text.size(); at += piece)
    out.Append(Bytes::Copy(text.substr(at, piece)));
  return out;
}

}  // namespace penstock::testing
