#include "store/log/disk_source.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

namespace penstock::store {
namespace {

constexpr size_t kWindowBytes = 128 * 1024;

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
      if (window_.size() == 0) window_ = AlignedBuffer(kWindowBytes);
      window_offset_ = offset / kBlockBytes * kBlockBytes;
      window_bytes_ = 0;
      PS_TRY(window_bytes_,
             file_.Read(window_offset_, std::span<uint8_t>(window_.data(), window_.size())));
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
