#include "playback/images/colour_matrix.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace penstock::playback {
namespace {

constexpr int kFractionBits = 14;

struct Row {
  int blue = 0;
  int red = 0;
  int Of(int cb, int cr) const {
    return (blue * cb + red * cr + (1 << (kFractionBits - 1))) >> kFractionBits;
  }
};

Row Fixed(double blue, double red) {
  const auto fixed = [](double x) {
    return static_cast<int>(std::lround(x * (1 << kFractionBits)));
  };
  return {fixed(blue), fixed(red)};
}

// What luma gains, and what chroma becomes, by the chroma there was.
struct Change {
  Row luma;
  Row blue;
  Row red;
};

// red = Y + 2(1-Kr)Cr, blue = Y + 2(1-Kb)Cb, and green what is missing to Y; put into the other
// matrix.
Change ChangeOf(LumaShares from, LumaShares to) {
  const double from_green = 1 - from.red - from.blue;
  const double to_green = 1 - to.red - to.blue;
  const double blue_of_cb = 2 * (1 - from.blue);
  const double red_of_cr = 2 * (1 - from.red);
  const double luma_of_cb = to.blue * blue_of_cb - to_green * from.blue * blue_of_cb / from_green;
  const double luma_of_cr = to.red * red_of_cr - to_green * from.red * red_of_cr / from_green;
  const double blue_scale = 2 * (1 - to.blue);
  const double red_scale = 2 * (1 - to.red);
  return {Fixed(luma_of_cb, luma_of_cr),
          Fixed((blue_of_cb - luma_of_cb) / blue_scale, -luma_of_cr / blue_scale),
          Fixed(-luma_of_cb / red_scale, (red_of_cr - luma_of_cr) / red_scale)};
}

uint8_t Byte(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

}  // namespace

void ChangeMatrix(LumaShares from, LumaShares to, const Planes420& planes) {
  const Change change = ChangeOf(from, to);
  const size_t width = planes.size.width;
  const size_t height = planes.size.height;
  std::vector<int16_t> gains(width + 1);  // of a row's luma
  for (size_t row = 0; row < (height + 1) / 2; ++row) {
    uint8_t* const blue = planes.blue + static_cast<ptrdiff_t>(row) * planes.blue_stride;
    uint8_t* const red = planes.red + static_cast<ptrdiff_t>(row) * planes.red_stride;
    for (size_t x = 0; x < (width + 1) / 2; ++x) {
      const int cb = blue[x] - 128;
      const int cr = red[x] - 128;
      gains[2 * x] = gains[2 * x + 1] = static_cast<int16_t>(change.luma.Of(cb, cr));
      blue[x] = Byte(128 + change.blue.Of(cb, cr));
      red[x] = Byte(128 + change.red.Of(cb, cr));
    }
    for (size_t y = 2 * row; y < std::min(height, 2 * row + 2); ++y) {
      uint8_t* const luma = planes.luma + static_cast<ptrdiff_t>(y) * planes.luma_stride;
      for (size_t x = 0; x < width; ++x) luma[x] = Byte(luma[x] + gains[x]);
    }
  }
}

}  // namespace penstock::playback
