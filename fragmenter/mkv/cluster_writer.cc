#include "fragmenter/mkv/cluster_writer.h"

#include <array>

#include "fragmenter/ebml/ids.h"
#include "fragmenter/media.h"
#include "fragmenter/mkv/vint.h"

namespace penstock::fragmenter {

// Cluster id (4), size (8), Timestamp id (1) and its size (1).
const size_t kClusterTimestampOffset = 14;

namespace mkv {
namespace {

constexpr size_t kSizeOffset = 4;
constexpr size_t kBodyOffset = 12;

void PutBe(uint8_t* out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
}

}  // namespace

ClusterWriter::ClusterWriter(uint64_t timestamp_ms) {
  std::array<uint8_t, 22> head{};
  PutBe(head.data(), ebml::kCluster, 4);
  // The size stays open until Finish; eight bytes long whatever it will be, so that it can be
  // patched.
  PutBe(head.data() + kSizeOffset, 0x01FFFFFFFFFFFFFF, 8);
  head[12] = static_cast<uint8_t>(ebml::kTimestamp);
  head[13] = 0x88;
  PutBe(head.data() + 14, timestamp_ms, 8);
  out_.Write(head);
}

uint32_t ClusterWriter::AddFrame(uint32_t track, int64_t relative_ms, bool key, ByteSpan data) {
  CHECK(track > 0);
  CHECK(track < 127);
  CHECK(relative_ms >= kRelativeMsMin);
  CHECK(relative_ms <= kRelativeMsMax);
  std::array<uint8_t, 16> head{};
  const uint64_t size = data.size() + 4;
  const size_t size_bytes = DataSizeBytes(size);
  head[0] = static_cast<uint8_t>(ebml::kSimpleBlock);
  PutBe(head.data() + 1, size | uint64_t{1} << (7 * size_bytes), size_bytes);
  uint8_t* const block = head.data() + 1 + size_bytes;
  block[0] = static_cast<uint8_t>(0x80 | track);
  PutBe(block + 1, static_cast<uint16_t>(relative_ms), 2);
  block[3] = key ? 0x80 : 0;
  out_.Write(ByteSpan(head).first(SimpleBlockHeaderBytes(data.size())));
  const auto offset = static_cast<uint32_t>(out_.size());
  out_.Write(data);
  return offset;
}

ByteChain ClusterWriter::Finish() {
  std::array<uint8_t, 8> size{};
  PutBe(size.data(), (out_.size() - kBodyOffset) | uint64_t{1} << 56, 8);
  out_.Patch(kSizeOffset, size);
  return out_.Finish();
}

}  // namespace mkv
}  // namespace penstock::fragmenter
