#include "fragmenter/codec/byte_stream.h"

#include <gtest/gtest.h>

#include "tests/testing/byte_stream.h"

namespace penstock::fragmenter {
namespace {

using namespace std::string_literals;  // NOLINT: bytes of which some are 0
using namespace penstock::testing;     // NOLINT: the tests' own words

// With lengths, of a frame that lies between other bytes; the same however it lies in memory.
std::string Prefixed(const std::string& frame) {
  const std::string around = "\1" + frame + "\0\0\1x";
  std::optional<std::string> out;
  for (size_t piece = 1; piece <= around.size(); ++piece) {
    const ByteChain chain = InPieces(around, piece);
    const ChainView view(chain);
    LengthPrefixer prefixer(view);
    const Result<uint32_t> size = prefixer.Add(1, frame.size());
    std::string now = size.ok() ? "" : std::string(size.error().message());
    if (size.ok()) {
      EXPECT_EQ(prefixer.size(), *size);
      now = std::string(std::move(prefixer).Take().Flatten().text());
      EXPECT_EQ(now.size(), *size);
    } else {
      EXPECT_EQ(size.error().code(), ErrorCode::kCorruption);
      EXPECT_EQ(prefixer.size(), 0u);
    }
    if (out) {
      EXPECT_EQ(now, *out) << "in pieces of " << piece;
    }
    out = now;
  }
  return *out;
}

TEST(LengthPrefixer, LengthsTakeThePlaceOfStartCodesOfThreeAndFourBytes) {
  EXPECT_EQ(Prefixed("\0\0\0\1\x09\xf0\0\0\1\x65pic\0\0\0\1\x41!"s),
            "\0\0\0\2\x09\xf0\0\0\0\4\x65pic\0\0\0\2\x41!"s);
  EXPECT_EQ(Prefixed("\0\0\1\x65"s), "\0\0\0\1\x65"s);
}

TEST(LengthPrefixer, ZerosAroundUnitsBelongToNone) {
  EXPECT_EQ(Prefixed("\0\0\0\0\0\1\x65p\0\0\0\0\0\1\x41q\0\0\0"s), "\0\0\0\2\x65p\0\0\0\2\x41q"s);
}

TEST(LengthPrefixer, EmulationPreventionAndLoneZerosStay) {
  EXPECT_EQ(Prefixed("\0\0\1\x65\0\0\3\1\0\1\0\0\2\0\0\3"s),
            "\0\0\0\x0d\x65\0\0\3\1\0\1\0\0\2\0\0\3"s);
}

TEST(LengthPrefixer, StartCodesWithoutAUnitBetweenThemAreNone) {
  EXPECT_EQ(Prefixed("\0\0\1\0\0\1\0\0\0\1\x65"s), "\0\0\0\1\x65"s);
  EXPECT_EQ(Prefixed("\0\0\0\1"s), "a frame of start codes alone");
  EXPECT_EQ(Prefixed("\0\0\1\0\0\0\0"s), "a frame of start codes alone");
}

TEST(LengthPrefixer, AFrameThatDoesNotBeginWithAStartCodeIsRefused) {
  for (const std::string& frame : {"\0\0\0\5\x65pict"s, "x\0\0\1\x65"s, "\0\0"s, "\0\0\0\0\0"s,
                                   "\0\1\x65"s, "x"s, "\0\0\0\2\x65p\0\0\1\x65"s})
    EXPECT_EQ(Prefixed(frame), "a frame without a start code");
}

TEST(LengthPrefixer, LargeUnitsAreNotCopied) {
  const std::string slice = "\x65" + std::string(600, 's');
  const std::string small = "\x06" + std::string(300, 'i');
  const std::string frame = InByteStream({"\x09\xf0", small, slice, slice});
  const ByteChain chain(Bytes::Copy(frame));
  const ChainView view(chain);
  LengthPrefixer prefixer(view);
  ASSERT_TRUE(prefixer.Add(0, frame.size()).ok());
  const ByteChain out = std::move(prefixer).Take();
  EXPECT_EQ(out.Flatten().text(), WithLengths({"\x09\xf0", small, slice, slice}));
  ASSERT_EQ(out.pieces().size(), 4u);
  for (const size_t i : {1u, 3u}) EXPECT_EQ(out.pieces()[i].owner(), chain.pieces()[0].owner());
  for (const size_t i : {0u, 2u}) EXPECT_EQ(out.pieces()[i].owner(), out.pieces()[0].owner());
}

TEST(LengthPrefixer, AHundredThousandUnitsTakeAQuarterMoreBytesAndOnePiece) {
  std::string frame;
  for (int i = 0; i < 100'000; ++i) frame += "\0\0\1\x65"sv;
  const ByteChain chain(Bytes::Copy(frame));
  const ChainView view(chain);
  LengthPrefixer prefixer(view);
  EXPECT_EQ(prefixer.Add(0, frame.size()).value(), frame.size() / 4 * 5);
  EXPECT_EQ(std::move(prefixer).Take().pieces().size(), 1u);
}

TEST(ByteStream, IsToldFromLengthsByWhatFits) {
  const auto seems = [](std::string_view text) { return SeemsByteStream(AsBytes(text)); };
  EXPECT_TRUE(seems("\0\0\1\x65"sv));
  EXPECT_TRUE(seems("\0\0\0\1"sv));
  for (const std::string_view text : {"\0\0"sv, "\0\0\0\2"sv, "\0\0\2\1"sv, "\0\1\0\1"sv, ""sv})
    EXPECT_FALSE(seems(text));
  const auto fits = [](std::string_view text, size_t length_bytes = 4) {
    return MayHaveLengths(AsBytes(text), text.size(), length_bytes);
  };
  // Units of one byte, and of 257: both begin like start codes.
  EXPECT_TRUE(fits("\0\0\0\1\x0a\0\0\0\2\x65p"sv));
  EXPECT_TRUE(fits("\0\0\1\1"s + std::string(257, 'x')));
  EXPECT_FALSE(fits("\0\0\1\1"s + std::string(256, 'x')));
  EXPECT_FALSE(fits("\0\0\1\1"s + std::string(258, 'x')));
  EXPECT_FALSE(fits("\0\0\0\1\x09\xf0\0\0\0\1\x65"sv));
  EXPECT_FALSE(fits("\0\0\0\1\x80"sv)) << "no NAL unit begins so";
  EXPECT_FALSE(fits(""sv));
  EXPECT_FALSE(fits("\0\0\1\x65"sv, 1)) << "none is empty";
  EXPECT_TRUE(fits("\0\2\x65p"sv, 2));
  // Of a longer one only its begin is there.
  const auto begins = [](std::string_view text, size_t size) {
    return MayHaveLengths(AsBytes(text), size, 4);
  };
  EXPECT_TRUE(begins("\0\0\1\1\x65"sv, 261));
  EXPECT_TRUE(begins("\0\0\0\1\x65\0\0"sv, 300));
  EXPECT_FALSE(begins("\0\0\1\1\x65"sv, 260));
}

}  // namespace
}  // namespace penstock::fragmenter
