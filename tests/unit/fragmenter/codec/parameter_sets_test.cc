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

}  // namespace
}  // namespace penstock::fragmenter
