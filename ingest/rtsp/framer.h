// Cuts an RTSP connection's byte stream into messages and interleaved packets (RFC 2326,
// section 10.12), in place.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <variant>

#include "base/bytes.h"
#include "base/limits.h"
#include "ingest/rtsp/message.h"

namespace penstock::ingest::rtsp {

// A packet that came on the connection itself: '$', channel, length.
struct Interleaved {
  uint8_t channel = 0;
  Bytes payload;
};

// The same the other way.
Bytes InterleavedFrame(uint8_t channel, ByteSpan payload);

using Frame = std::variant<Interleaved, Request, Response>;

// Owns the memory that is read into: slabs of 64 KiB (a larger one for a larger frame). Packets
// and bodies are slices of a slab, which lives as long as one of them does, so a packet costs no
// allocation and no copy, except the one that straddles two slabs. A slab that no packet refers to
// is filled again.
//
//   framer.WritableSpan() <- read(2);  framer.Commit(n);  while (frame = framer.Next()) ...
class Framer {
 public:
  // Room for the next bytes of the stream; at least kReadBytesMin.
  std::span<uint8_t> WritableSpan();
  // The first n bytes of the writable span were filled. Requires n <= its size.
  void Commit(size_t n);

  // The next whole frame; nothing if more bytes are needed. kProtocol or kTooLarge if the stream
  // cannot be followed any further; every later call then says the same.
  Result<std::optional<Frame>> Next();

  static constexpr size_t kSlabBytes = limits::kReceiveSlabBytes;
  static constexpr size_t kReadBytesMin = 4096;

 private:
  void Rewind();
  Result<std::optional<Frame>> NextUnchecked();
  std::optional<Frame> NextInterleaved();
  Result<std::optional<Frame>> NextMessage();
  // Position after the blank line that ends the head, from `begin_`; nothing if it is not there
  // yet.
  std::optional<size_t> FindHeadEnd();
  ByteSpan unread() const { return {slab_.get() + begin_, end_ - begin_}; }
  // Takes the next n bytes off the stream, sharing the slab.
  Bytes Take(size_t n);

  std::shared_ptr<uint8_t[]> slab_;
  size_t capacity_ = 0;
  size_t begin_ = 0;  // begin_ <= end_ <= capacity_
  size_t end_ = 0;
  size_t needed_ = 0;  // bytes of the frame at begin_, as far as known; 0 if not
  // A head whose body is awaited, or the place up to which the head's end was searched.
  std::optional<MessageHead> head_;
  size_t searched_ = 0;
  std::optional<Error> failed_;
};

}  // namespace penstock::ingest::rtsp
