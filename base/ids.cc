#include "base/ids.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/random.h"

namespace penstock {
namespace {

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A 160-bit integer, most significant word first.
using U160 = std::array<uint32_t, 5>;
constexpr size_t kNumberDigits = 47;

// Adds value * 2^shift.
void AddShifted(U160& words, uint64_t value, int shift) {
  uint64_t carry = 0;
  for (int bit_word = 0; bit_word < 5; ++bit_word) {
    // The part of value that falls into the word whose lowest bit is 32*bit_word.
    const int from = 32 * bit_word - shift;
    uint64_t part = 0;
    if (from >= 0 && from < 64) part = (value >> from) & 0xffffffff;
    if (from < 0 && from > -32) part = (value << -from) & 0xffffffff;
    uint32_t& word = words[4 - bit_word];
    const uint64_t sum = uint64_t{word} + part + carry;
    word = static_cast<uint32_t>(sum);
    carry = sum >> 32;
  }
}

uint64_t Extract(const U160& words, int shift, int bits) {
  uint64_t value = 0;
  for (int bit = bits - 1; bit >= 0; --bit) {
    const int at = shift + bit;
    value = value << 1 | (words[4 - at / 32] >> (at % 32) & 1);
  }
  return value;
}

}  // namespace

Result<StreamName> StreamName::Parse(std::string_view text) {
  if (text.empty() || text.size() > limits::kStreamNameBytesMax ||
      !std::all_of(text.begin(), text.end(), IsNameByte)) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is not a stream name: 1 to 256 of a-z A-Z 0-9 _ . -",
                             text.substr(0, 64)));
  }
  return StreamName(std::string(text));
}

ShardId ShardId::Random() {
  ShardId id;
  FillRandom(id.bytes_);
  return id;
}

Result<ShardId> ShardId::Parse(std::string_view hex) {
  ShardId id;
  bool good = hex.size() == 32;
  for (size_t i = 0; good && i < 16; ++i) {
    const int high = HexValue(hex[2 * i]);
    const int low = HexValue(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    if (good) id.bytes_[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (!good)
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is not a shard id", hex.substr(0, 64)));
  return id;
}

std::string ShardId::ToString() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes_.size());
  for (const uint8_t byte : bytes_) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

size_t ShardId::Hash() const {
  size_t value = 0;
  std::memcpy(&value, bytes_.data(), sizeof(value));
  return value;
}

std::string FragmentNumber::ToString() const {
  U160 words{};
  AddShifted(words, 1, 156);
  AddShifted(words, index, 92);
  AddShifted(words, static_cast<uint64_t>(server_ms), 28);
  AddShifted(words, salt, 0);
  std::string digits(kNumberDigits, '0');
  for (size_t at = kNumberDigits; at-- > 0;) {
    uint64_t rest = 0;
    for (uint32_t& word : words) {
      rest = rest << 32 | word;
      word = static_cast<uint32_t>(rest / 10);
      rest %= 10;
    }
    digits[at] = static_cast<char>('0' + rest);
  }
  return digits;
}

Result<FragmentNumber> FragmentNumber::Parse(std::string_view decimal) {
  const Error bad(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is not a fragment number", decimal.substr(0, 64)));
  if (decimal.size() != kNumberDigits) return bad;
  U160 words{};
  for (const char c : decimal) {
    if (c < '0' || c > '9') return bad;
    uint64_t carry = static_cast<uint64_t>(c - '0');
    for (size_t i = words.size(); i-- > 0;) {
      const uint64_t value = uint64_t{words[i]} * 10 + carry;
      words[i] = static_cast<uint32_t>(value);
      carry = value >> 32;
    }
    if (carry != 0) return bad;
  }
  if (Extract(words, 156, 4) != 1) return bad;
  FragmentNumber number{.index = Extract(words, 92, 64),
                        .server_ms = static_cast<int64_t>(Extract(words, 28, 64)),
                        .salt = static_cast<uint32_t>(Extract(words, 0, 28))};
  if (number.index == 0 || number.server_ms < 0) return bad;
  return number;
}

}  // namespace penstock
