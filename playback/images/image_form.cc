#include "playback/images/image_form.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::playback {
namespace {

constexpr PictureSize kFollows{3840, 2160};

// value * to / from, to the nearest.
uint32_t InProportion(uint32_t value, uint32_t from, uint32_t to, uint32_t most) {
  const uint64_t scaled = (uint64_t{value} * to + from / 2) / from;
  return static_cast<uint32_t>(std::clamp<uint64_t>(scaled, 1, most));
}

}  // namespace

PictureSize SizeOf(const ImageForm& form, PictureSize picture) {
  PictureSize size = form.size;
  if (size == PictureSize()) return picture;
  if (size.width == 0)
    size.width = InProportion(picture.width, picture.height, size.height, kFollows.width);
  if (size.height == 0)
    size.height = InProportion(picture.height, picture.width, size.width, kFollows.height);
  return size;
}

std::string ToKey(const ImageForm& form) {
  const int quality = form.format == ImageFormat::kJpeg ? form.jpeg_quality : 0;
  return fmt::format("{}{}-{}x{}", form.format == ImageFormat::kJpeg ? 'j' : 'p', quality,
                     form.size.width, form.size.height);
}

const char* ContentTypeOf(ImageFormat format) {
  return format == ImageFormat::kJpeg ? "image/jpeg" : "image/png";
}

}  // namespace penstock::playback
