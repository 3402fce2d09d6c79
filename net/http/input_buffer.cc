#include "net/http/input_buffer.h"

#include <algorithm>
#include <cstring>

namespace penstock::net {

std::span<uint8_t> InputBuffer::Space(size_t block_bytes) {
  if (empty() && !shared_) begin_ = end_ = 0;
  const size_t unread_bytes = end_ - begin_;
  // Less than a quarter of what the caller wants is not worth a call to the kernel.
  if (capacity_ - end_ < std::max<size_t>(1, block_bytes / 4)) {
    const size_t size = std::max(block_bytes, unread_bytes * 2);
    auto next = std::make_shared_for_overwrite<uint8_t[]>(size);
    if (unread_bytes > 0) std::memcpy(next.get(), block_.get() + begin_, unread_bytes);
    block_ = std::move(next);
    capacity_ = size;
    begin_ = 0;
    end_ = unread_bytes;
    shared_ = false;
  }
  return {block_.get() + end_, capacity_ - end_};
}

void InputBuffer::Commit(size_t n) {
  CHECK(n <= capacity_ - end_);
  end_ += n;
}

void InputBuffer::Consume(size_t n) {
  CHECK(n <= end_ - begin_);
  begin_ += n;
}

Bytes InputBuffer::Share(ByteSpan part) {
  CHECK(part.data() >= block_.get() + begin_);
  CHECK(part.data() + part.size() <= block_.get() + end_);
  shared_ = true;
  return Bytes(block_, part);
}

void InputBuffer::Release() {
  CHECK(empty());
  block_.reset();
  capacity_ = begin_ = end_ = 0;
  shared_ = false;
}

}  // namespace penstock::net
