#include "fragmenter/codec/parameter_sets.h"

#include <gtest/gtest.h>

namespace penstock::fragmenter {
namespace {

// Two SPS, a PPS, then what profiles above Main add.
const std::vector<uint8_t> kAvcC = {1, 0x64, 0, 0x1f, 0xfd, 0xe2, 0, 2,    0x67, 1,    0,
                                    1, 0x67, 1, 0,    2,    0x68, 2, 0xfd, 0xf8, 0xf8, 0};
const std::vector<uint8_t> kHvcC = [] {
  std::vector<uint8_t> box(21, 0);
  const std::vector<uint8_t> rest = {3,  // lengths of four bytes
                                     4,  // arrays: VPS, SPS, PPS, SEI
                                     32, 0, 1, 0, 2, 0x40, 1, 33, 0, 1, 0, 2, 0x42, 1,
                                     34, 0, 1, 0, 2, 0x44, 1, 39, 0, 1, 0, 2, 0x4e, 1};
  box.insert(box.end(), rest.begin(), rest.end());
  return box;
}();

std::vector<int> Heads(const ParameterSets& sets) {
  std::vector<int> out;
  for (const ByteSpan unit : sets.units) out.push_back(unit[0]);
  return out;
}

TEST(ParameterSets, AreReadInTheirOrder) {
  const auto avc = ReadParameterSets(Codec::kH264, kAvcC).value();
  EXPECT_EQ(Heads(avc), (std::vector<int>{0x67, 0x67, 0x68}));
  EXPECT_EQ(avc.length_bytes, 2u);
  const auto hevc = ReadParameterSets(Codec::kH265, kHvcC).value();
  EXPECT_EQ(Heads(hevc), (std::vector<int>{0x40, 0x42, 0x44})) << "without the SEI";
  EXPECT_EQ(hevc.length_bytes, 4u);
}

TEST(ParameterSets, ABoxThatIsCutIsRefused) {
  for (size_t size = 0; size < 18; ++size)
    EXPECT_FALSE(ReadParameterSets(Codec::kH264, ByteSpan(kAvcC).first(size)).ok()) << size;
  EXPECT_TRUE(ReadParameterSets(Codec::kH264, ByteSpan(kAvcC).first(18)).ok());
  for (size_t size = 0; size < kHvcC.size(); ++size)
    EXPECT_FALSE(ReadParameterSets(Codec::kH265, ByteSpan(kHvcC).first(size)).ok()) << size;
}

// As x264 and x265 made them: High, 4:2:0, 320x180; Main, 320x180.
const std::vector<uint8_t> kHighSps = {0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0x9f,
                                       0x9f, 0x01, 0x6c, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80,
                                       0x00, 0x00, 0x19, 0x07, 0x8a, 0x14, 0xcb};
const std::vector<uint8_t> kPps = {0x68, 0xeb, 0xec, 0xb2, 0x2c};

std::vector<uint8_t> MakeBox(Codec codec, const std::vector<ByteSpan>& units) {
  const Result<Bytes> box = MakeConfigBox(codec, units);
  EXPECT_TRUE(box.ok()) << box.error().ToString();
  if (!box.ok()) return {};
  return {box->span().begin(), box->span().end()};
}

TEST(ParameterSets, AnAvcCIsMadeOfThem) {
  std::vector<uint8_t> expected = {1, 0x64, 0x00, 0x0d, 0xff, 0xe1, 0, 25};
  expected.insert(expected.end(), kHighSps.begin(), kHighSps.end());
  expected.insert(expected.end(), {1, 0, 5, 0x68, 0xeb, 0xec, 0xb2, 0x2c});
  expected.insert(expected.end(), {0xfd, 0xf8, 0xf8, 0});  // 4:2:0, 8 bits, 8 bits, no extension
  EXPECT_EQ(MakeBox(Codec::kH264, {kPps, kHighSps}), expected) << "whatever order they came in";
}

TEST(ParameterSets, WhatIsNotWholeMakesNoBox) {
  EXPECT_FALSE(MakeConfigBox(Codec::kH264, {}).ok());
  EXPECT_FALSE(MakeConfigBox(Codec::kH264, {kPps}).ok());
  EXPECT_FALSE(MakeConfigBox(Codec::kH264, {kHighSps}).ok());
  EXPECT_FALSE(MakeConfigBox(Codec::kH265, {kHighSps, kPps}).ok());
  for (size_t size = 1; size < 9; ++size)
    EXPECT_FALSE(MakeConfigBox(Codec::kH264, {ByteSpan(kHighSps).first(size), kPps}).ok()) << size;
  EXPECT_FALSE(MakeConfigBox(Codec::kH264, std::vector<ByteSpan>(32, ByteSpan(kHighSps))).ok());
  std::vector<uint8_t> large(40'000, 0x11);
  large[0] = 0x68;
  EXPECT_FALSE(MakeConfigBox(Codec::kH264, {kHighSps, large}).ok());
}

TEST(ParameterSets, LengthsOfFourBytesAreSaid) {
  const Bytes avc = WithFourByteLengths(Codec::kH264, Bytes::Copy(ByteSpan(kAvcC)));
  EXPECT_EQ(ReadParameterSets(Codec::kH264, avc).value().length_bytes, 4u);
  EXPECT_EQ(Heads(ReadParameterSets(Codec::kH264, avc).value()),
            Heads(ReadParameterSets(Codec::kH264, kAvcC).value()));
  const Bytes hevc = Bytes::Copy(ByteSpan(kHvcC));
  EXPECT_EQ(WithFourByteLengths(Codec::kH265, hevc).data(), hevc.data()) << "it says so already";
}

}  // namespace
}  // namespace penstock::fragmenter
