// What stands behind a stored fragment's frames: the tags of whoever produced it, by which images
// and notifications are asked for. Whatever is read is JSON of characters.
#include <cstdint>

#include "base/check.h"
#include "fragmenter/media.h"
#include "server/images/image_request.h"
#include "server/notifications/payload.h"

namespace {

using namespace penstock;
using namespace penstock::server;

void CheckText(std::string_view text) { CHECK(Json::Parse(Json(text).Dump()).ok()); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  const auto request = images::ReadImageRequest(bytes);
  if (request.ok() && *request) {
    CheckText((*request)->prefix);
    for (const auto& [name, value] : (*request)->tags) {
      CheckText(name);
      CheckText(value);
    }
  }
  // As if its frames ended where the tags begin.
  const fragmenter::FrameTable no_frames;
  const auto tags =
      notifications::NotificationTags(ByteChain(Bytes::Copy(AsText(bytes))), no_frames.Encode());
  if (tags.ok() && *tags) CHECK(Json::Parse((*tags)->Dump()).ok());
  return 0;
}
