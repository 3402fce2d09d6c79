// How a picture is to look as an image: what clients say of it, and what follows. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace penstock::playback {

enum class ImageFormat : uint8_t { kJpeg, kPng };

struct PictureSize {
  uint32_t width = 0;
  uint32_t height = 0;
  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

struct ImageForm {
  ImageFormat format = ImageFormat::kJpeg;
  int jpeg_quality = 80;  // 1 to 100
  // 0: what keeps the picture's shape; both 0: the picture's own size.
  PictureSize size;
};

// Amazon's: an image in an answer has 6,291,456 characters of base64 at most.
inline constexpr size_t kImageBytesMax = 6'291'456 / 4 * 3;

// What an image of a picture has. Never 0, and never beyond what a side may be asked to have where
// that side follows from the other (3840 by 2160, as at Amazon).
PictureSize SizeOf(const ImageForm& form, PictureSize picture);

// Equal texts give equal images of a picture.
std::string ToKey(const ImageForm& form);

const char* ContentTypeOf(ImageFormat format);  // "image/jpeg"

}  // namespace penstock::playback
