#include "base/chain_view.h"

#include <algorithm>

#include "base/check.h"

namespace penstock {

ChainView::ChainView(const ByteChain& chain) : pieces_(chain.pieces()), size_(chain.size()) {
  size_t begin = 0;
  for (const Bytes& piece : pieces_) {
    begins_.push_back(begin);
    begin += piece.size();
  }
}

size_t ChainView::PieceOf(size_t at) const {
  CHECK(at < size_);
  const auto behind = std::ranges::upper_bound(begins_, at);
  return static_cast<size_t>(behind - begins_.begin()) - 1;
}

uint8_t ChainView::At(size_t at) const {
  const size_t i = PieceOf(at);
  return pieces_[i].span()[at - begins_[i]];
}

ByteSpan ChainView::From(size_t at) const {
  const size_t i = PieceOf(at);
  return pieces_[i].span().subspan(at - begins_[i]);
}

ByteSpan ChainView::Before(size_t at) const {
  CHECK(at > 0);
  const size_t i = PieceOf(at - 1);
  return pieces_[i].span().first(at - begins_[i]);
}

void ChainView::Append(size_t offset, size_t size, std::vector<ByteSpan>& out) const {
  CHECK(offset <= size_);
  CHECK(size <= size_ - offset);
  while (size > 0) {
    const ByteSpan rest = From(offset);
    out.push_back(rest.first(std::min(size, rest.size())));
    offset += out.back().size();
    size -= out.back().size();
  }
}

void ChainView::Share(size_t offset, size_t size, ByteChain& out) const {
  CHECK(offset <= size_);
  CHECK(size <= size_ - offset);
  while (size > 0) {
    const size_t i = PieceOf(offset);
    const size_t begin = offset - begins_[i];
    const size_t now = std::min(size, pieces_[i].size() - begin);
    out.Append(pieces_[i].Slice(begin, now));
    offset += now;
    size -= now;
  }
}

}  // namespace penstock
