#include "base/chunk_pool.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/limits.h"

namespace penstock {
namespace {

// A type of its own, so that a chunk of the pool can be told from any other memory by its owner.
struct ReturnToPool {
  void operator()(uint8_t* memory) const;
};

class ChunkPool {
 public:
  // Never destroyed: chunks may outlive every static.
  static ChunkPool& Instance() {
    static auto* pool = new ChunkPool;
    return *pool;
  }

  std::shared_ptr<uint8_t> Take() {
    uint8_t* memory = nullptr;
    {
      const std::lock_guard lock(mutex_);
      ++used_;
      if (!idle_.empty()) {
        memory = idle_.back();
        idle_.pop_back();
      }
    }
    if (memory == nullptr) {
      memory = static_cast<uint8_t*>(std::aligned_alloc(kDirectIoAlignment, kChunkBytes));
      CHECK(memory != nullptr);
    }
    return {memory, ReturnToPool{}};
  }

  void Give(uint8_t* memory) {
    {
      const std::lock_guard lock(mutex_);
      --used_;
      if (idle_.size() < limits::kPooledChunksMax) {
        idle_.push_back(memory);
        return;
      }
    }
    std::free(memory);
  }

  ChunkPoolStats Stats() {
    const std::lock_guard lock(mutex_);
    return {.used = used_, .idle = idle_.size()};
  }

 private:
  std::mutex mutex_;
  std::vector<uint8_t*> idle_;
  size_t used_ = 0;
};

void ReturnToPool::operator()(uint8_t* memory) const { ChunkPool::Instance().Give(memory); }

}  // namespace

void ChunkWriter::Write(ByteSpan bytes) {
  while (!bytes.empty()) {
    const size_t at = size_ % kChunkBytes;
    if (at == 0) chunks_.push_back({ChunkPool::Instance().Take()});
    const size_t take = std::min(bytes.size(), kChunkBytes - at);
    std::memcpy(chunks_.back().memory.get() + at, bytes.data(), take);
    size_ += take;
    bytes = bytes.subspan(take);
  }
}

void ChunkWriter::Write(const ByteChain& bytes) {
  for (const Bytes& piece : bytes.pieces()) Write(piece.span());
}

void ChunkWriter::Patch(size_t offset, ByteSpan bytes) {
  CHECK(offset <= size_);
  CHECK(bytes.size() <= size_ - offset);
  while (!bytes.empty()) {
    const size_t at = offset % kChunkBytes;
    const size_t take = std::min(bytes.size(), kChunkBytes - at);
    std::memcpy(chunks_[offset / kChunkBytes].memory.get() + at, bytes.data(), take);
    offset += take;
    bytes = bytes.subspan(take);
  }
}

ByteChain ChunkWriter::Finish() {
  ByteChain out;
  size_t left = size_;
  for (Chunk& chunk : chunks_) {
    const size_t used = std::min(left, kChunkBytes);
    const size_t padded = (used + kDirectIoAlignment - 1) / kDirectIoAlignment * kDirectIoAlignment;
    std::memset(chunk.memory.get() + used, 0, padded - used);
    const ByteSpan span(chunk.memory.get(), used);
    out.Append(Bytes(std::move(chunk.memory), span));
    left -= used;
  }
  chunks_.clear();
  size_ = 0;
  return out;
}

bool IsDirectIoReady(const ByteChain& chain) {
  const auto& pieces = chain.pieces();
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Bytes& piece = pieces[i];
    if (reinterpret_cast<uintptr_t>(piece.data()) % kDirectIoAlignment != 0) return false;
    if (std::get_deleter<ReturnToPool>(piece.owner()) == nullptr) return false;
    const bool last = i + 1 == pieces.size();
    if (!last && piece.size() != kChunkBytes) return false;
  }
  return !pieces.empty();
}

ChunkPoolStats GetChunkPoolStats() { return ChunkPool::Instance().Stats(); }

}  // namespace penstock
