#include "playback/images/colour_matrix.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::playback {
namespace {

struct Pixel {
  int luma = 0;
  int blue = 0;
  int red = 0;
};

// As the standards write it, of colours from 0 to 1.
Pixel Of(double red, double green, double blue, LumaShares shares) {
  const double luma =
      shares.red * red + (1 - shares.red - shares.blue) * green + shares.blue * blue;
  const auto byte = [](double x) { return std::clamp(static_cast<int>(std::lround(x)), 0, 255); };
  return {byte(255 * luma), byte(128 + 255 * (blue - luma) / (2 * (1 - shares.blue))),
          byte(128 + 255 * (red - luma) / (2 * (1 - shares.red)))};
}

// A picture of one colour, with lines longer than it is wide.
struct Flat {
  Flat(PictureSize size, Pixel pixel)
      : planes{.size = size,
               .luma_stride = static_cast<int>(size.width) + 7,
               .blue_stride = static_cast<int>(size.width + 1) / 2 + 3,
               .red_stride = static_cast<int>(size.width + 1) / 2 + 5},
        luma(Bytes(planes.luma_stride, size.height), static_cast<uint8_t>(pixel.luma)),
        blue(Bytes(planes.blue_stride, (size.height + 1) / 2), static_cast<uint8_t>(pixel.blue)),
        red(Bytes(planes.red_stride, (size.height + 1) / 2), static_cast<uint8_t>(pixel.red)) {
    planes.luma = luma.data();
    planes.blue = blue.data();
    planes.red = red.data();
  }
  static size_t Bytes(int stride, uint32_t lines) { return static_cast<size_t>(stride) * lines; }

  Planes420 planes;
  std::vector<uint8_t> luma;
  std::vector<uint8_t> blue;
  std::vector<uint8_t> red;
};

TEST(ColourMatrix, EachColourBecomesWhatTheOtherStandardWrites) {
  for (int i = 0; i < 6 * 6 * 6; ++i) {
    const double red = i % 6 / 5.0;
    const double green = i / 6 % 6 / 5.0;
    const double blue = i / 36 / 5.0;
    const Pixel want = Of(red, green, blue, kBt601);
    Flat picture({2, 2}, Of(red, green, blue, kBt709));
    ChangeMatrix(kBt709, kBt601, picture.planes);
    // Both numbers are rounded.
    EXPECT_NEAR(picture.luma[0], want.luma, 1.5) << i;
    EXPECT_NEAR(picture.blue[0], want.blue, 1.5) << i;
    EXPECT_NEAR(picture.red[0], want.red, 1.5) << i;
  }
}

TEST(ColourMatrix, EveryPixelOfAnyWidthAndHeightIsChangedAndNothingBesideIt) {
  const Pixel before = Of(0.9, 0.1, 0.3, kBt709);
  const Pixel after = Of(0.9, 0.1, 0.3, kBt601);
  ASSERT_GT(std::abs(before.luma - after.luma), 3);
  for (const PictureSize size : {PictureSize{1, 1}, {2, 3}, {17, 5}, {640, 2}}) {
    Flat picture(size, before);
    ChangeMatrix(kBt709, kBt601, picture.planes);
    for (size_t i = 0; i < picture.luma.size(); ++i) {
      const bool inside = i % static_cast<size_t>(picture.planes.luma_stride) < size.width;
      ASSERT_NEAR(picture.luma[i], inside ? after.luma : before.luma, inside ? 1.5 : 0) << i;
    }
    for (size_t i = 0; i < picture.red.size(); ++i) {
      const bool inside = i % static_cast<size_t>(picture.planes.red_stride) < (size.width + 1) / 2;
      ASSERT_NEAR(picture.red[i], inside ? after.red : before.red, inside ? 1.5 : 0) << i;
    }
  }
}

TEST(ColourMatrix, GreyStaysAndTheSameMatrixChangesNothing) {
  for (int luma = 0; luma < 256; ++luma) {
    Flat grey({2, 2}, {luma, 128, 128});
    ChangeMatrix(kBt709, kBt601, grey.planes);
    EXPECT_EQ(grey.luma[3 % grey.luma.size()], luma);
    EXPECT_EQ(grey.blue[0], 128);
    Flat same({2, 2}, {luma, 200, 17});
    ChangeMatrix(kBt709, kBt709, same.planes);
    EXPECT_EQ(same.luma[0], luma);
    EXPECT_EQ(same.blue[0], 200);
    EXPECT_EQ(same.red[0], 17);
  }
}

}  // namespace
}  // namespace penstock::playback
