// The names of things. Each is a type with one door; one that exists is valid.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace penstock {

// A stream's name as users write it: [a-zA-Z0-9_.-]{1,256} (kinesisvideo, StreamName).
class StreamName {
 public:
  static Result<StreamName> Parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const StreamName&, const StreamName&) = default;

 private:
  explicit StreamName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// 128 random bits that name one life of one shard: delete and create gives a new one. Text: 32
// lower-case hex digits.
class ShardId {
 public:
  ShardId() = default;  // all zero: "no shard"
  static ShardId Random();
  static ShardId FromBytes(const std::array<uint8_t, 16>& bytes) {
    ShardId id;
    id.bytes_ = bytes;
    return id;
  }
  static Result<ShardId> Parse(std::string_view hex);
  std::string ToString() const;
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }
  size_t Hash() const;
  friend auto operator<=>(const ShardId&, const ShardId&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// The number of a fragment or record. Made by the shard's owner before the append; strictly
// increasing per shard by index. As text: the decimal form of 2^156 + index*2^92 + server_ms*2^28 +
// salt, always 47 digits (kinesis-video: fragment numbers).
struct FragmentNumber {
  uint64_t index = 0;     // < 2^60: lane epoch:20 || counter:40. 0 is "none"
  int64_t server_ms = 0;  // < 2^63
  uint32_t salt = 0;      // < 2^28

  std::string ToString() const;
  static Result<FragmentNumber> Parse(std::string_view decimal);
  // Order and identity are the index's alone; time and salt are decoration that the text form
  // carries.
  friend auto operator<=>(const FragmentNumber& a, const FragmentNumber& b) {
    return a.index <=> b.index;
  }
  friend bool operator==(const FragmentNumber& a, const FragmentNumber& b) {
    return a.index == b.index;
  }
};

}  // namespace penstock

template <>
struct std::hash<penstock::ShardId> {
  size_t operator()(const penstock::ShardId& id) const { return id.Hash(); }
};
template <>
struct std::hash<penstock::StreamName> {
  size_t operator()(const penstock::StreamName& name) const {
    return std::hash<std::string>()(name.text());
  }
};
