// The bytes of a chain by their place.
#pragma once

#include <vector>

#include "base/bytes.h"

namespace penstock {

// Shares the chain's memory. Finding a place takes as long as the logarithm of the number of
// pieces.
class ChainView {
 public:
  explicit ChainView(const ByteChain& chain);

  size_t size() const { return size_; }
  // Requires at < size().
  uint8_t At(size_t at) const;
  // What lies behind this place in the same piece. Requires at < size(); never empty.
  ByteSpan From(size_t at) const;
  // What lies before this place in the same piece. Requires 0 < at <= size(); never empty.
  ByteSpan Before(size_t at) const;
  // Requires offset + size <= this->size().
  void Append(size_t offset, size_t size, std::vector<ByteSpan>& out) const;
  // The same, as bytes that keep their memory.
  void Share(size_t offset, size_t size, ByteChain& out) const;

 private:
  size_t PieceOf(size_t at) const;

  const std::vector<Bytes> pieces_;
  std::vector<size_t> begins_;
  size_t size_ = 0;
};

}  // namespace penstock
