#include "store/window.h"

namespace penstock::store {

void Window::Push(WindowItem item) {
  CHECK(item.header.ordinal == end_);
  ++end_;
  bytes_ += item.bytes();
  items_.push_back(std::move(item));
  // The newest stays whatever its size; of what is not stored, so do those before it.
  const auto dropped = [](const WindowItem& item) {
    return (item.header.flags & kFlagDropped) != 0;
  };
  const auto must_stay = [&] {
    return items_.size() == 1 || (items_.size() <= kNewestKept && dropped(items_.front()));
  };
  while (!must_stay() && (bytes_ > bytes_max_ || items_.size() > kItemsMax)) {
    bytes_ -= items_.front().bytes();
    items_.pop_front();
  }
}

const WindowItem* Window::Find(uint64_t ordinal) const {
  if (ordinal < begin() || ordinal >= end_) return nullptr;
  return &items_[ordinal - begin()];
}

}  // namespace penstock::store
