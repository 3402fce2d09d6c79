#include "ingest/rtsp/framer.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <fmt/format.h>

#include "base/byte_io.h"
#include "base/check.h"
#include "base/limits.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr uint8_t kInterleavedMark = '$';
constexpr size_t kInterleavedHeaderBytes = 4;

bool StartsMessage(uint8_t byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

}  // namespace

Bytes InterleavedFrame(uint8_t channel, ByteSpan payload) {
  ByteWriter out;
  out.Be(kInterleavedMark);
  out.Be(channel);
  out.Be(static_cast<uint16_t>(payload.size()));
  out.Raw(payload);
  return out.Take();
}

std::span<uint8_t> Framer::WritableSpan() {
  Rewind();
  const bool fits = begin_ + needed_ <= capacity_ && capacity_ - end_ >= kReadBytesMin;
  if (!fits) {
    const size_t unread_bytes = end_ - begin_;
    const size_t capacity = std::max(kSlabBytes, std::max(needed_, unread_bytes) + kReadBytesMin);
    auto slab = std::make_shared_for_overwrite<uint8_t[]>(capacity);
    if (unread_bytes > 0) std::memcpy(slab.get(), slab_.get() + begin_, unread_bytes);
    slab_ = std::move(slab);
    capacity_ = capacity;
    begin_ = 0;
    end_ = unread_bytes;
  }
  return {slab_.get() + end_, capacity_ - end_};
}

// Nobody looks at what was taken any more: the slab is used from its start again, while it is still
// in the processor's cache.
void Framer::Rewind() {
  if (begin_ == 0 || begin_ != end_ || slab_.use_count() != 1) return;
  // Who dropped the last slice on another thread has finished reading it.
  std::atomic_thread_fence(std::memory_order_acquire);
  begin_ = 0;
  end_ = 0;
}

void Framer::Commit(size_t n) {
  CHECK(n <= capacity_ - end_);
  end_ += n;
}

Result<std::optional<Frame>> Framer::Next() {
  if (failed_) return *failed_;
  auto frame = NextUnchecked();
  if (!frame.ok()) failed_ = frame.error();
  return frame;
}

Result<std::optional<Frame>> Framer::NextUnchecked() {
  // Line ends between messages are common (RFC 2326, section 4.1).
  while (!head_ && begin_ < end_ && (slab_[begin_] == '\r' || slab_[begin_] == '\n')) ++begin_;
  if (end_ - begin_ < std::max<size_t>(needed_, 1)) return std::optional<Frame>();
  if (head_) return NextMessage();
  if (slab_[begin_] == kInterleavedMark) return NextInterleaved();
  if (!StartsMessage(slab_[begin_])) {
    return Error(
        ErrorCode::kProtocol,
        fmt::format("neither a message nor a packet starts with byte {:#04x}", slab_[begin_]));
  }
  return NextMessage();
}

std::optional<Frame> Framer::NextInterleaved() {
  const ByteSpan bytes = unread();
  if (bytes.size() < kInterleavedHeaderBytes) return std::nullopt;
  const size_t length = size_t{bytes[2]} << 8 | bytes[3];
  if (bytes.size() < kInterleavedHeaderBytes + length) {
    needed_ = kInterleavedHeaderBytes + length;
    return std::nullopt;
  }
  const uint8_t channel = bytes[1];
  const Bytes packet = Take(kInterleavedHeaderBytes + length);
  return Frame(Interleaved{channel, packet.Slice(kInterleavedHeaderBytes, length)});
}

Result<std::optional<Frame>> Framer::NextMessage() {
  if (!head_) {
    const auto head_end = FindHeadEnd();
    const size_t head_bytes = head_end.value_or(end_ - begin_);
    if (head_bytes > limits::kRtspHeadBytesMax) {
      return Error(ErrorCode::kTooLarge,
                   fmt::format("message head over {} bytes", limits::kRtspHeadBytesMax));
    }
    if (!head_end) return std::optional<Frame>();
    PS_TRY(head_, ParseMessageHead(AsText(unread().first(*head_end))));
    if (head_->body_bytes > limits::kRtspBodyBytesMax) {
      return Error(ErrorCode::kTooLarge,
                   fmt::format("message body of {} bytes; at most {} are taken", head_->body_bytes,
                               limits::kRtspBodyBytesMax));
    }
    Take(*head_end);
    searched_ = 0;
    needed_ = head_->body_bytes;
  }
  if (end_ - begin_ < head_->body_bytes) return std::optional<Frame>();
  MessageHead head = std::move(*head_);
  head_.reset();
  const Bytes body = Take(head.body_bytes);
  if (head.request) {
    head.request->body = body;
    return std::optional<Frame>(std::move(*head.request));
  }
  head.response->body = body;
  return std::optional<Frame>(std::move(*head.response));
}

std::optional<size_t> Framer::FindHeadEnd() {
  const ByteSpan bytes = unread();
  // The head ends at a line end that follows a line end; both may be LF alone.
  for (size_t i = searched_; i < bytes.size(); ++i) {
    if (bytes[i] != '\n') continue;
    size_t next = i + 1;
    if (next < bytes.size() && bytes[next] == '\r') ++next;
    if (next >= bytes.size()) {
      // What follows this line end is not here yet: look at it again.
      searched_ = i;
      return std::nullopt;
    }
    if (bytes[next] == '\n') return next + 1;
  }
  searched_ = bytes.size();
  return std::nullopt;
}

Bytes Framer::Take(size_t n) {
  const Bytes taken(std::shared_ptr<const void>(slab_, slab_.get()), unread().first(n));
  begin_ += n;
  needed_ = 0;
  return taken;
}

}  // namespace penstock::ingest::rtsp
