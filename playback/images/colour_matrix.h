// Colours of full range in 4:2:0, from the matrix of one standard to that of another.
#pragma once

#include <cstdint>

#include "playback/images/image_form.h"

namespace penstock::playback {

// The shares of red and blue in the luma; the rest is green's.
struct LumaShares {
  double red = 0;
  double blue = 0;
};

inline constexpr LumaShares kBt601{0.299, 0.114};
inline constexpr LumaShares kBt709{0.2126, 0.0722};

// 8 bits a sample. Chroma has half the width and height, rounded up.
struct Planes420 {
  PictureSize size;
  uint8_t* luma = nullptr;
  uint8_t* blue = nullptr;  // Cb
  uint8_t* red = nullptr;   // Cr
  int luma_stride = 0;      // bytes
  int blue_stride = 0;
  int red_stride = 0;
};

// In place: the same colours with the luma and chroma of the other matrix (Rec. ITU-T H.273 §8.3).
// Colours that it cannot say are its nearest. Four pixels share their chroma, in what they become
// as in what they were.
void ChangeMatrix(LumaShares from, LumaShares to, const Planes420& planes);

}  // namespace penstock::playback
