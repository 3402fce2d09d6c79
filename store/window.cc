#include "store/window.h"

namespace penstock::store {

void Window::Push(WindowItem item) {
  CHECK(item.header.ordinal == end_);
  ++end_;
  bytes_ += item.bytes();
  items_.push_back(std::move(item));
  // The newest stays whatever its size.
  while (items_.size() > 1 && (bytes_ > bytes_max_ || items_.size() > kItemsMax)) {
    bytes_ -= items_.front().bytes();
    items_.pop_front();
  }
}

const WindowItem* Window::Find(uint64_t ordinal) const {
  if (ordinal < begin() || ordinal >= end_) return nullptr;
  return &items_[ordinal - begin()];
}

}  // namespace penstock::store
