// Bytes received and not yet used, in blocks that can be handed out without copying.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace penstock::net {

// One thread. What is unread is always contiguous. A block of which a part was handed out by Share
// is never written again, so that the receiver may keep it as long as he likes.
class InputBuffer {
 public:
  // Room to receive into, at least one byte; a new block of block_bytes (or of what is unread and
  // as much again) when there is little.
  std::span<uint8_t> Space(size_t block_bytes);
  // The first n bytes of the last Space have been filled.
  void Commit(size_t n);

  ByteSpan unread() const { return ByteSpan(block_.get() + begin_, end_ - begin_); }
  bool empty() const { return begin_ == end_; }
  void Consume(size_t n);
  // A part of unread() that outlives this.
  Bytes Share(ByteSpan part);
  // Gives memory back while nothing is unread.
  void Release();

 private:
  std::shared_ptr<uint8_t[]> block_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool shared_ = false;
};

}  // namespace penstock::net
