// One fragment's Matroska Cluster, written into chunks that direct I/O can take as they are.
#pragma once

#include <chrono>

#include "base/bytes.h"
#include "base/chunk_pool.h"

namespace penstock::fragmenter::mkv {

// Bounds of a block's time, signed 16 bits of milliseconds from the cluster's.
inline constexpr int64_t kRelativeMsMax = 32'767;
inline constexpr int64_t kRelativeMsMin = -32'768;

// Grows one Cluster of known size: Timestamp, then one SimpleBlock per frame. One thread; a frame
// is copied once, into the chunks.
class ClusterWriter {
 public:
  // `timestamp` is absolute: milliseconds since 1970 of the producer's clock.
  explicit ClusterWriter(uint64_t timestamp_ms);

  // Returns the offset of the frame's first byte from that of the Cluster. Requires 0 < track < 127
  // and a relative time within the bounds.
  uint32_t AddFrame(uint32_t track, int64_t relative_ms, bool key, ByteSpan data);

  size_t size() const { return out_.size(); }

  // The whole element. The writer is of no further use.
  ByteChain Finish();

 private:
  ChunkWriter out_;
};

}  // namespace penstock::fragmenter::mkv
