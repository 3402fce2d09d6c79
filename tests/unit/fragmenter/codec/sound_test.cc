// What is known of sound that needs no decoder: Opus and G.711.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "fragmenter/codec/g711.h"
#include "fragmenter/codec/opus.h"
#include "fragmenter/media.h"
#include "tests/unit/fragmenter/media_clip.h"

namespace penstock::fragmenter {
namespace {

Bytes Packet(std::initializer_list<uint8_t> bytes) {
  return Bytes::Copy(ByteSpan(bytes.begin(), bytes.size()));
}

TEST(OpusTest, APacketSaysHowLongItSounds) {
  EXPECT_EQ(OpusPacketSamples(Packet({3 << 3})), 2880u) << "SILK, 60 ms";
  EXPECT_EQ(OpusPacketSamples(Packet({13 << 3 | 1})), 1920u) << "hybrid, two of 20 ms";
  EXPECT_EQ(OpusPacketSamples(Packet({16 << 3})), 120u) << "CELT, 2.5 ms";
  EXPECT_EQ(OpusPacketSamples(Packet({31 << 3 | 4, 1, 2})), 960u) << "CELT, 20 ms, stereo";
  EXPECT_EQ(OpusPacketSamples(Packet({31 << 3 | 3, 6})), 5760u) << "six of 20 ms, the longest";
  EXPECT_TRUE(IsOpusStereo(Packet({31 << 3 | 4})));
  EXPECT_FALSE(IsOpusStereo(Packet({31 << 3})));
}

TEST(OpusTest, APacketThatCannotBeHasNoLength) {
  EXPECT_EQ(OpusPacketSamples(ByteSpan()), 0u);
  EXPECT_EQ(OpusPacketSamples(Packet({31 << 3 | 3})), 0u) << "without its count";
  EXPECT_EQ(OpusPacketSamples(Packet({31 << 3 | 3, 0})), 0u) << "no frame";
  EXPECT_EQ(OpusPacketSamples(Packet({31 << 3 | 3, 7})), 0u) << "140 ms";
}

TEST(OpusTest, AHeaderIsReadAsItWasWritten) {
  const Bytes written =
      MakeOpusHead({.channels = 2, .pre_skip = 312, .input_rate = 16'000, .gain = -256});
  EXPECT_EQ(written.size(), 19u);
  const auto read = ParseOpusHead(written);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->channels, 2);
  EXPECT_EQ(read->pre_skip, 312);
  EXPECT_EQ(read->input_rate, 16'000u);
  EXPECT_EQ(read->gain, -256);
  EXPECT_EQ(ParseOpusHead(written.Slice(0, 18)).error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(ParseOpusHead(Packet({'x'})).error().code(), ErrorCode::kProtocol);
}

// Every code, as ffmpeg decodes it.
TEST(G711Test, EachOfThe256CodesIsTheSampleThatFfmpegMakesOfIt) {
  const penstock::testing::TempDir dir;
  const std::string codes = dir.path() / "codes";
  std::string all;
  for (int code = 0; code < 256; ++code) all += static_cast<char>(code);
  std::ofstream(codes, std::ios::binary) << all;
  for (const auto& [codec, name] :
       {std::pair(Codec::kPcmu, "mulaw"), std::pair(Codec::kPcma, "alaw")}) {
    const std::string linear = dir.path() / name;
    testing::Shell(std::string("ffmpeg -v error -f ") + name + " -ar 8000 -i " + codes +
                   " -f s16le " + linear);
    std::ifstream in(linear, std::ios::binary);
    for (int code = 0; code < 256; ++code) {
      int16_t sample = 0;
      ASSERT_TRUE(in.read(reinterpret_cast<char*>(&sample), sizeof sample)) << name << " " << code;
      EXPECT_EQ(DecodeG711(codec, static_cast<uint8_t>(code)), sample) << name << " " << code;
    }
  }
}

}  // namespace
}  // namespace penstock::fragmenter
