// Integers in bytes, both orders. The readers never read past the end: they fail.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/bytes.h"

namespace penstock {

// Appends to a buffer of its own.
class ByteWriter {
 public:
  template <class T>
  requires std::is_integral_v<T>
  void Le(T value) {
    using U = std::make_unsigned_t<T>;
    auto u = static_cast<U>(value);
    for (size_t i = 0; i < sizeof(T); ++i)
      out_.push_back(static_cast<uint8_t>(uint64_t{u} >> (8 * i)));
  }
  template <class T>
  requires std::is_integral_v<T>
  void Be(T value) {
    using U = std::make_unsigned_t<T>;
    auto u = static_cast<U>(value);
    for (size_t i = sizeof(T); i-- > 0;)
      out_.push_back(static_cast<uint8_t>(uint64_t{u} >> (8 * i)));
  }
  // The low `bytes` bytes, most significant first.
  void BeN(uint64_t value, int bytes) {
    for (int i = bytes; i-- > 0;) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  // LEB128, 7 bits a byte, low first.
  void Varint(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<uint8_t>(value));
  }
  // Small magnitudes of either sign in few bytes.
  void Zigzag(int64_t value) {
    Varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
  }
  void Raw(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void Text(std::string_view text) { Raw(AsBytes(text)); }
  void Zero(size_t count) { out_.insert(out_.end(), count, 0); }

  size_t size() const { return out_.size(); }
  std::vector<uint8_t>& buffer() { return out_; }
  ByteSpan span() const { return out_; }
  Bytes Take() { return Bytes::From(std::move(out_)); }

 private:
  std::vector<uint8_t> out_;
};

// Reads from a span it does not own. After the first failure ok() is false and everything reads as
// zero or empty.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return rest_.size(); }
  ByteSpan rest() const { return rest_; }

  template <class T>
  requires std::is_integral_v<T> T Le() {
    uint64_t value = 0;
    const ByteSpan raw = Raw(sizeof(T));
    for (size_t i = 0; i < raw.size(); ++i) value |= uint64_t{raw[i]} << (8 * i);
    return static_cast<T>(value);
  }
  template <class T>
  requires std::is_integral_v<T> T Be() { return static_cast<T>(BeN(sizeof(T))); }
  uint64_t BeN(size_t bytes) {
    uint64_t value = 0;
    for (const uint8_t byte : Raw(bytes)) value = value << 8 | byte;
    return value;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const ByteSpan raw = Raw(1);
      if (!ok_) return 0;
      value |= uint64_t{raw[0] & 0x7fu} << shift;
      if ((raw[0] & 0x80) == 0) return value;
    }
    Fail();
    return 0;
  }
  int64_t Zigzag() {
    const uint64_t raw = Varint();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  // The next n bytes, a view into the input; empty if there are fewer.
  ByteSpan Raw(size_t n) {
    if (!ok_ || n > rest_.size()) {
      Fail();
      return {};
    }
    const ByteSpan out = rest_.first(n);
    rest_ = rest_.subspan(n);
    return out;
  }
  void Skip(size_t n) { Raw(n); }
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  ByteSpan rest_;
  bool ok_ = true;
};

}  // namespace penstock
