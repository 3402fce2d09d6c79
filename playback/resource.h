// What a viewer gets: bytes in pieces, and what a cache may do with them.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/file_slice.h"

namespace penstock::playback {

// The same type as net's body part; playback knows nothing of HTTP.
using BodyPart = std::variant<ByteChain, FileSlice>;

uint64_t PartsBytes(const std::vector<BodyPart>& parts);

// The bytes [offset, offset + size) of the parts, without a copy: what a Range request wants.
// Requires offset + size <= PartsBytes(parts).
std::vector<BodyPart> SliceParts(const std::vector<BodyPart>& parts, uint64_t offset,
                                 uint64_t size);

struct Resource {
  std::string content_type;
  std::string etag;  // quoted and strong: equal tags mean equal bytes
  bool immutable =
      false;  // this URL gives these bytes for good; otherwise: revalidate at every use
  std::vector<BodyPart> parts;
  // If not empty: no bytes, but the name in the same folder, with its query, to ask for instead.
  std::string moved_to;
};

}  // namespace penstock::playback
