// A decoded picture, as decoder and encoder pass it on.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "playback/images/image_form.h"

namespace penstock::playback {

// Pixels of up to four planes. Cheap to copy; the memory lives as long as any copy. What the
// numbers mean only the library knows.
struct Picture {
  PictureSize size;
  std::array<const uint8_t*, 4> planes{};
  std::array<int, 4> strides{};  // bytes
  int pixel_format = 0;          // AVPixelFormat
  int matrix = 0;                // AVColorSpace
  bool full_range = false;
  std::shared_ptr<const void> owner;
};

}  // namespace penstock::playback
