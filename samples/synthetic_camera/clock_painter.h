// Burns the time into a raw picture: digits for people, a strip of cells for programs (README.md
// has its layout).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace synthetic_camera {

// A picture in I420: full brightness, colours at half the size.
struct Picture {
  struct Plane {
    uint8_t* pixels;
    ptrdiff_t stride;
  };
  Plane luma;
  Plane colours[2];
  int width;
  int height;

  // Lays the planes out as GStreamer does by default.
  static Picture FromI420(uint8_t* pixels, int width, int height);
};

inline constexpr int kStripCells = 48;

// Bit i of the strip, counted from the left.
bool StripCell(int64_t unix_ms, int i);

void PaintStrip(const Picture& picture, int64_t unix_ms);

// "2026-03-01 12:34:56.789" in white on black in the upper left corner.
void PaintClock(const Picture& picture, int64_t unix_ms);

}  // namespace synthetic_camera
