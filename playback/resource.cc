#include "playback/resource.h"

#include <algorithm>

namespace penstock::playback {
namespace {

uint64_t SizeOf(const BodyPart& part) {
  if (const auto* chain = std::get_if<ByteChain>(&part)) return chain->size();
  return std::get<FileSlice>(part).size;
}

BodyPart SliceOf(const BodyPart& part, uint64_t offset, uint64_t size) {
  if (const auto* chain = std::get_if<ByteChain>(&part)) return chain->Slice(offset, size);
  FileSlice slice = std::get<FileSlice>(part);
  slice.offset += offset;
  slice.size = size;
  return slice;
}

}  // namespace

uint64_t PartsBytes(const std::vector<BodyPart>& parts) {
  uint64_t bytes = 0;
  for (const BodyPart& part : parts) bytes += SizeOf(part);
  return bytes;
}

std::vector<BodyPart> SliceParts(const std::vector<BodyPart>& parts, uint64_t offset,
                                 uint64_t size) {
  const uint64_t total = PartsBytes(parts);
  CHECK(offset <= total);
  CHECK(size <= total - offset);
  std::vector<BodyPart> out;
  for (const BodyPart& part : parts) {
    if (size == 0) break;
    const uint64_t bytes = SizeOf(part);
    if (offset >= bytes) {
      offset -= bytes;
      continue;
    }
    const uint64_t take = std::min(size, bytes - offset);
    out.push_back(SliceOf(part, offset, take));
    size -= take;
    offset = 0;
  }
  return out;
}

}  // namespace penstock::playback
