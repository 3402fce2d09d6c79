#include "base/bytes.h"

#include <algorithm>
#include <cstring>

namespace penstock {

Bytes Bytes::Copy(ByteSpan source) {
  if (source.empty()) return {};
  auto memory = std::make_shared_for_overwrite<uint8_t[]>(source.size());
  std::memcpy(memory.get(), source.data(), source.size());
  const ByteSpan span(memory.get(), source.size());
  return Bytes(std::move(memory), span);
}

Bytes Bytes::From(std::vector<uint8_t> source) {
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(source));
  const ByteSpan span(owner->data(), owner->size());
  return Bytes(std::move(owner), span);
}

Bytes Bytes::From(std::string source) {
  auto owner = std::make_shared<const std::string>(std::move(source));
  const ByteSpan span = AsBytes(*owner);
  return Bytes(std::move(owner), span);
}

ByteChain ByteChain::Slice(size_t offset, size_t size) const {
  CHECK(offset <= size_);
  CHECK(size <= size_ - offset);
  ByteChain out;
  for (const Bytes& piece : pieces_) {
    if (size == 0) break;
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    const size_t take = std::min(size, piece.size() - offset);
    out.Append(piece.Slice(offset, take));
    size -= take;
    offset = 0;
  }
  return out;
}

Bytes ByteChain::Flatten() const {
  if (pieces_.empty()) return {};
  if (pieces_.size() == 1) return pieces_.front();
  auto memory = std::make_shared_for_overwrite<uint8_t[]>(size_);
  CopyTo({memory.get(), size_});
  const ByteSpan span(memory.get(), size_);
  return Bytes(std::move(memory), span);
}

void ByteChain::CopyTo(std::span<uint8_t> out) const {
  CHECK(out.size() == size_);
  size_t at = 0;
  for (const Bytes& piece : pieces_) {
    std::memcpy(out.data() + at, piece.data(), piece.size());
    at += piece.size();
  }
}

}  // namespace penstock
