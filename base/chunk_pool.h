// The memory fragments grow in: 64 KiB chunks, aligned for direct I/O, recycled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace penstock {

inline constexpr size_t kChunkBytes = 64 * 1024;
inline constexpr size_t kDirectIoAlignment = 4096;

// Appends bytes into pooled chunks and hands them out as one ByteChain in which every piece but the
// last is exactly kChunkBytes long and every piece starts at an address that is a multiple of
// kDirectIoAlignment. The memory of the last piece is zero up to the next multiple of
// kDirectIoAlignment and may be read that far by direct I/O. One thread at a time. The chunks
// return to a process-wide pool (thread-safe, bounded by kPooledChunksMax of base/limits.h) when
// the last Bytes that refers to them is gone, on whatever thread that happens.
class ChunkWriter {
 public:
  ChunkWriter() = default;
  ChunkWriter(ChunkWriter&&) noexcept = default;
  ChunkWriter& operator=(ChunkWriter&&) noexcept = default;

  void Write(ByteSpan bytes);
  void Write(const ByteChain& bytes);
  size_t size() const { return size_; }

  // Overwrites bytes written before. Requires offset + bytes.size() <= size().
  void Patch(size_t offset, ByteSpan bytes);

  // Everything written so far; the writer is empty afterwards.
  ByteChain Finish();

 private:
  struct Chunk {
    std::shared_ptr<uint8_t> memory;
  };
  std::vector<Chunk> chunks_;
  size_t size_ = 0;
};

// True for a ByteChain that can be written with O_DIRECT as it lies in memory (see ChunkWriter).
bool IsDirectIoReady(const ByteChain& chain);

// Chunks now in use and now idle in the pool; for metrics and tests.
struct ChunkPoolStats {
  size_t used = 0;
  size_t idle = 0;
};
ChunkPoolStats GetChunkPoolStats();

}  // namespace penstock
