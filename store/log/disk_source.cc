#include "store/log/disk_source.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

namespace penstock::store {
namespace {

// At once: a little where the reader jumps from head to head, much where it goes on in order.
constexpr size_t kWindowBytesMin = 16 * 1024;
constexpr size_t kWindowBytesMax = 1024 * 1024;

}  // namespace

AlignedBuffer::AlignedBuffer(size_t bytes)
    : size_(AlignUp(std::max<size_t>(bytes, 1), kBlockBytes)) {
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(kBlockBytes, size_));
  CHECK(memory != nullptr);
  memory_ = std::shared_ptr<uint8_t>(memory, [](uint8_t* m) { std::free(m); });
}

Result<Bytes> ReadRange(DiskFile& file, uint64_t offset, size_t bytes) {
  const uint64_t begin = offset / kBlockBytes * kBlockBytes;
  const uint64_t end = AlignUp(offset + bytes, kBlockBytes);
  AlignedBuffer buffer(end - begin);
  PS_TRY(const size_t got, file.Read(begin, std::span<uint8_t>(buffer.data(), end - begin)));
  if (got < offset + bytes - begin) {
    return Error(ErrorCode::kCorruption,
                 fmt::format("the file ends at {}, before {}", begin + got, offset + bytes));
  }
  return buffer.Slice(offset - begin, bytes);
}

Status DiskSource::Read(uint64_t offset, std::span<uint8_t> out) {
  CHECK(offset <= size_);
  CHECK(out.size() <= size_ - offset);
  while (!out.empty()) {
    if (offset < window_offset_ || offset >= window_offset_ + window_bytes_) {
      const bool goes_on = window_bytes_ > 0 && offset == window_offset_ + window_bytes_;
      ahead_ = goes_on ? std::min(4 * ahead_, kWindowBytesMax) : kWindowBytesMin;
      if (window_.size() < ahead_) window_ = AlignedBuffer(ahead_);
      window_offset_ = offset / kBlockBytes * kBlockBytes;
      window_bytes_ = 0;
      PS_TRY(window_bytes_, file_.Read(window_offset_, {window_.data(), ahead_}));
      if (window_offset_ + window_bytes_ <= offset) {
        return Error(ErrorCode::kCorruption, fmt::format("the file ends at {}, before {}",
                                                         window_offset_ + window_bytes_, offset));
      }
    }
    const size_t at = offset - window_offset_;
    const size_t take = std::min(out.size(), window_bytes_ - at);
    std::memcpy(out.data(), window_.data() + at, take);
    out = out.subspan(take);
    offset += take;
  }
  return {};
}

}  // namespace penstock::store
