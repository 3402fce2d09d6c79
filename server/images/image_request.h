// What a producer asks for with a fragment: an image of it, by a tag. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"

namespace penstock::server::images {

struct ImageRequest {
  std::string prefix;  // AWS_KINESISVIDEO_IMAGE_PREFIX; may be empty
  // The producer's own, of the same Tag.
  std::vector<std::pair<std::string, std::string>> tags;
};

// Where the last frame of a stored fragment ends. What follows are tags, or nothing.
size_t EndOfFrames(const fragmenter::FrameTable& table);

// The wish of the first Tag that has AWS_KINESISVIDEO_IMAGE_GENERATION. `tail` is the stored
// fragment from EndOfFrames on. An error: it is not what is stored of a fragment.
Result<std::optional<ImageRequest>> ReadImageRequest(ByteSpan tail);

}  // namespace penstock::server::images
