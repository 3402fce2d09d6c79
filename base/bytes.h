// Bytes that travel. Immutable once shared, cheap to copy and to slice; the memory lives as long as
// anyone looks at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace penstock {

using ByteSpan = std::span<const uint8_t>;

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A shared owner plus a span into what it owns. Safe to hand to another thread: nobody writes
// through it.
class Bytes {
 public:
  Bytes() = default;
  Bytes(std::shared_ptr<const void> owner, ByteSpan span) : owner_(std::move(owner)), span_(span) {}

  static Bytes Copy(ByteSpan source);
  static Bytes Copy(std::string_view source) { return Copy(AsBytes(source)); }
  static Bytes From(std::vector<uint8_t> source);
  static Bytes From(std::string source);

  const uint8_t* data() const { return span_.data(); }
  size_t size() const { return span_.size(); }
  bool empty() const { return span_.empty(); }
  ByteSpan span() const { return span_; }
  std::string_view text() const { return AsText(span_); }
  operator ByteSpan() const { return span_; }  // NOLINT: a view of it is always safe while it lives

  // Requires offset + size <= this->size().
  Bytes Slice(size_t offset, size_t size) const {
    CHECK(offset <= span_.size());
    CHECK(size <= span_.size() - offset);
    return Bytes(owner_, span_.subspan(offset, size));
  }

  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  ByteSpan span_;
};

// A body in pieces: what a fragment is while it grows and until it is written, so that no frame
// ever needs a large allocation and nothing is copied to make it contiguous.
class ByteChain {
 public:
  ByteChain() = default;
  explicit ByteChain(Bytes only) { Append(std::move(only)); }

  void Append(Bytes piece) {
    if (piece.empty()) return;
    size_ += piece.size();
    pieces_.push_back(std::move(piece));
  }
  void Append(const ByteChain& other) {
    for (const Bytes& piece : other.pieces_) Append(piece);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<Bytes>& pieces() const { return pieces_; }

  // Shares memory. Requires offset + size <= this->size(). Cost: linear in the number of pieces.
  ByteChain Slice(size_t offset, size_t size) const;
  // One contiguous copy (no copy when there is at most one piece).
  Bytes Flatten() const;
  // Requires out.size() == size().
  void CopyTo(std::span<uint8_t> out) const;

 private:
  std::vector<Bytes> pieces_;
  size_t size_ = 0;
};

}  // namespace penstock
