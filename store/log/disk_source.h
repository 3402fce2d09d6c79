// Reads a file in aligned steps, so that direct I/O works, and ahead, so that a walk over heads is
// not one call per block; the farther ahead, the longer the walk has skipped nothing.
#pragma once

#include <memory>

#include "store/disk/disk.h"
#include "store/log/segment_scan.h"

namespace penstock::store {

// Memory that direct I/O may fill.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes);  // rounded up to kBlockBytes; not cleared
  uint8_t* data() { return memory_.get(); }
  size_t size() const { return size_; }
  // Shares the memory.
  Bytes Slice(size_t offset, size_t bytes) const {
    return Bytes(memory_, ByteSpan(memory_.get() + offset, bytes));
  }

 private:
  std::shared_ptr<uint8_t> memory_;
  size_t size_ = 0;
};

// The range [offset, offset + bytes) of a file. kCorruption if the file ends before it.
Result<Bytes> ReadRange(DiskFile& file, uint64_t offset, size_t bytes);

// One thread at a time. `file` outlives it.
class DiskSource final : public ByteSource {
 public:
  DiskSource(DiskFile& file, uint64_t size) : file_(file), size_(size) {}
  uint64_t size() const override { return size_; }
  Status Read(uint64_t offset, std::span<uint8_t> out) override;

 private:
  DiskFile& file_;
  const uint64_t size_;
  AlignedBuffer window_;
  size_t ahead_ = 0;
  uint64_t window_offset_ = 0;
  size_t window_bytes_ = 0;
};

}  // namespace penstock::store
