#include "samples/synthetic_camera/clock_painter.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace synthetic_camera {
namespace {

constexpr uint8_t kBlack = 16;
constexpr uint8_t kWhite = 235;
constexpr uint8_t kGrey = 128;  // of the colour planes: no colour
constexpr int kTimeBits = 42;
constexpr int kCheckBits = 4;
static_assert(2 + kTimeBits + kCheckBits == kStripCells);

constexpr int kGlyphWidth = 5;
constexpr int kGlyphHeight = 7;

struct Glyph {
  char character;
  std::array<uint8_t, kGlyphHeight> rows;  // the low five bits, leftmost first
};

constexpr Glyph kGlyphs[] = {
    {'0', {0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110}},
    {'1', {0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    {'2', {0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111}},
    {'3', {0b01110, 0b10001, 0b00001, 0b00110, 0b00001, 0b10001, 0b01110}},
    {'4', {0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010}},
    {'5', {0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110}},
    {'6', {0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110}},
    {'7', {0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000}},
    {'8', {0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110}},
    {'9', {0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100}},
    {':', {0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000}},
    {'.', {0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00100, 0b00100}},
    {'-', {0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000}},
};

const Glyph* FindGlyph(char character) {
  for (const Glyph& glyph : kGlyphs) {
    if (glyph.character == character) return &glyph;
  }
  return nullptr;  // a space
}

void FillPlane(const Picture::Plane& plane, int left, int top, int right, int bottom,
               uint8_t value) {
  for (int y = top; y < bottom; ++y) {
    std::memset(plane.pixels + y * plane.stride + left, value, static_cast<size_t>(right - left));
  }
}

void Fill(const Picture& picture, int left, int top, int right, int bottom, uint8_t value) {
  right = std::min(right, picture.width);
  bottom = std::min(bottom, picture.height);
  if (left >= right || top >= bottom) return;
  FillPlane(picture.luma, left, top, right, bottom, value);
  for (const Picture::Plane& colour : picture.colours) {
    FillPlane(colour, left / 2, top / 2, (right + 1) / 2, (bottom + 1) / 2, kGrey);
  }
}

void PaintGlyph(const Picture& picture, const Glyph& glyph, int left, int top, int dot) {
  for (int row = 0; row < kGlyphHeight; ++row) {
    for (int column = 0; column < kGlyphWidth; ++column) {
      if ((glyph.rows[row] >> (kGlyphWidth - 1 - column) & 1) == 0) continue;
      const int x = left + column * dot;
      const int y = top + row * dot;
      Fill(picture, x, y, x + dot, y + dot, kWhite);
    }
  }
}

}  // namespace

Picture Picture::FromI420(uint8_t* pixels, int width, int height) {
  const auto align = [](int n) { return (n + 3) & ~3; };
  const ptrdiff_t stride = align(width);
  const ptrdiff_t colour_stride = align((width + 1) / 2);
  uint8_t* const first = pixels + stride * ((height + 1) & ~1);
  uint8_t* const second = first + colour_stride * ((height + 1) / 2);
  return {.luma = {pixels, stride},
          .colours = {{first, colour_stride}, {second, colour_stride}},
          .width = width,
          .height = height};
}

bool StripCell(int64_t unix_ms, int i) {
  if (i < 2) return i == 0;
  if (i < 2 + kTimeBits) return unix_ms >> (kTimeBits - 1 - (i - 2)) & 1;
  int64_t check = 0;
  for (int shift = 0; shift < kTimeBits; shift += kCheckBits) check ^= unix_ms >> shift & 0xF;
  return check >> (kStripCells - 1 - i) & 1;
}

void PaintStrip(const Picture& picture, int64_t unix_ms) {
  const int top = picture.height - picture.height / 18;
  for (int i = 0; i < kStripCells; ++i) {
    const int left = i * picture.width / kStripCells;
    const int right = (i + 1) * picture.width / kStripCells;
    Fill(picture, left, top, right, picture.height, StripCell(unix_ms, i) ? kWhite : kBlack);
  }
}

void PaintClock(const Picture& picture, int64_t unix_ms) {
  const time_t seconds = unix_ms / 1000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  char date[32];
  char text[48];
  strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &utc);
  const int length =
      snprintf(text, sizeof(text), "%s.%03d", date, static_cast<int>(unix_ms % 1000));

  const int dot = std::max(1, picture.width / 200);
  const int advance = (kGlyphWidth + 1) * dot;
  const int margin = 2 * dot;
  Fill(picture, 0, 0, length * advance + 2 * margin, kGlyphHeight * dot + 2 * margin, kBlack);
  for (int i = 0; i < length; ++i) {
    const Glyph* glyph = FindGlyph(text[i]);
    if (glyph != nullptr) PaintGlyph(picture, *glyph, margin + i * advance, margin, dot);
  }
}

}  // namespace synthetic_camera
