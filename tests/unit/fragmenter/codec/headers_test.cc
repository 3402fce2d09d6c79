#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"
#include "tests/unit/fragmenter/recording.h"
#include "tests/unit/fragmenter/units.h"

namespace penstock::fragmenter {
namespace {

using namespace fragmenter::testing;  // NOLINT: the tests' own words

Result<AacConfig> Aac(std::vector<uint8_t> bytes) { return ParseAudioSpecificConfig(bytes); }

TEST(AudioSpecificConfig, PlainAacLc) {
  const Result<AacConfig> config = Aac({0x11, 0x90});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->object_type, 2u);
  EXPECT_EQ(config->sample_rate, 48'000u);
  EXPECT_EQ(config->output_sample_rate, 48'000u);
  EXPECT_EQ(config->channels, 2u);
  EXPECT_EQ(config->frame_samples, 1024u);
  EXPECT_EQ(config->config_bits, 16u);
}

TEST(AudioSpecificConfig, ExplicitHeAacNamesTheCoreAndTheOutput) {
  // 5 (SBR), 24 kHz, stereo, 48 kHz, core 2 (LC)
  const Result<AacConfig> config = Aac({0x2b, 0x11, 0x88, 0x00});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->signalled_type, 5u);
  EXPECT_EQ(config->object_type, 2u);
  EXPECT_EQ(config->sample_rate, 24'000u);
  EXPECT_EQ(config->output_sample_rate, 48'000u);
}

TEST(AudioSpecificConfig, BackwardCompatibleHeAacIsSeenBehindTheCore) {
  // LC, 24 kHz, stereo; 0x2b7, SBR, present, 48 kHz
  const Result<AacConfig> config = Aac({0x13, 0x10, 0x56, 0xe5, 0x98});
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->signalled_type, 5u);
  EXPECT_EQ(config->sample_rate, 24'000u);
  EXPECT_EQ(config->output_sample_rate, 48'000u);
}

TEST(AudioSpecificConfig, WhatFollowsIsCutOff) {
  const std::vector<uint8_t> bytes = {0x11, 0x90, 0x3f, 0xc0};
  const Result<AacConfig> config = ParseAudioSpecificConfig(bytes);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(CutAudioSpecificConfig(bytes, *config).text(), std::string_view("\x11\x90"));
}

TEST(AudioSpecificConfig, BadOnesAreRefused) {
  EXPECT_EQ(Aac({}).error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(Aac({0x11}).error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(Aac({0x16, 0x90}).error().code(), ErrorCode::kUnsupported) << "reserved sample rate";
  EXPECT_EQ(Aac({0x41, 0x90}).error().code(), ErrorCode::kUnsupported) << "CELP";
}

TEST(VideoFormat, HandMadeBaselineSps) {
  const Result<VideoFormat> format = ParseVideoFormat(Codec::kH264, VideoTrack().codec_private);
  ASSERT_TRUE(format.ok()) << format.error().ToString();
  EXPECT_EQ(format->width, 320u);
  EXPECT_EQ(format->height, 240u);
  EXPECT_EQ(format->reorder_depth, 0u);
}

TEST(VideoFormat, BrokenBoxesAreRefused) {
  for (const Codec codec : {Codec::kH264, Codec::kH265}) {
    for (const std::string_view bytes : {"", "\x01", "abcdefghijklmnopqrstuvwxyz0123456789"}) {
      EXPECT_FALSE(ParseVideoFormat(codec, AsBytes(bytes)).ok());
    }
  }
}

TEST(VideoFormat, EveryTruncationOfAnSpsIsRefusedOrHarmless) {
  const Bytes box = VideoTrack().codec_private;
  for (size_t size = 0; size < 16; ++size)
    EXPECT_FALSE(ParseVideoFormat(Codec::kH264, box.span().first(size)).ok()) << size;
}

// Sizes that need cropping, and what real encoders say of their reordering.
TEST(VideoFormat, RealEncodersSpsGiveSizeAndReorderDepth) {
  penstock::testing::TempDir dir;
  const std::string folder = dir.path();
  struct Case {
    const char* encoder;
    const char* size;
    uint32_t width, height, depth;
  };
  const Case cases[] = {
      {kH264, "322x182", 322, 182, 0},
      {kH264WithB, "1280x720", 1280, 720, 2},
      {"-c:v libx264 -preset veryfast -bf 1", "640x362", 640, 362, 1},
      {kH265, "322x182", 322, 182, 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.size);
    const bool h265 = c.encoder == kH265;
    const std::string path = MakeClip(folder, "c", c.encoder, "", c.size, 0.4);
    const Collector clip = CollectUnits(h265 ? PayH265(path) : PayH264(path));
    const Result<VideoFormat> format =
        ParseVideoFormat(h265 ? Codec::kH265 : Codec::kH264, clip.config.codec_private);
    ASSERT_TRUE(format.ok()) << format.error().ToString();
    EXPECT_EQ(format->width, c.width);
    EXPECT_EQ(format->height, c.height);
    EXPECT_EQ(format->reorder_depth, c.depth);
  }
}

// An access unit of NAL units, each with its length before it.
std::vector<uint8_t> UnitOf(const std::vector<std::vector<uint8_t>>& nals) {
  std::vector<uint8_t> out;
  for (const auto& nal : nals) {
    out.insert(out.end(), {0, 0, 0, static_cast<uint8_t>(nal.size())});
    out.insert(out.end(), nal.begin(), nal.end());
  }
  return out;
}

// First macroblock 0 (1), then the type: 5 (00110) is P, 7 (0001000) is I, 0 (1) is P.
const std::vector<uint8_t> kISlice = {0x41, 0x88, 0x80};
const std::vector<uint8_t> kPSlice = {0x41, 0x9a, 0x80};
const std::vector<uint8_t> kIdrSlice = {0x65, 0x88, 0x80};
const std::vector<uint8_t> kDelimiter = {0x09, 0xf0};
const std::vector<uint8_t> kUserData = {0x06, 0x05, 0x02, 0xaa, 0x06, 0x80};
const std::vector<uint8_t> kRecoveryPoint = {0x06, 0x05, 0x01, 0xaa, 0x06, 0x01, 0xc4, 0x80};

TEST(H264EntryPoint, IdrRecoveryPointsAndPicturesOfISlicesAreEntries) {
  EXPECT_TRUE(IsH264EntryPoint(UnitOf({kDelimiter, kIdrSlice})));
  EXPECT_TRUE(IsH264EntryPoint(UnitOf({kISlice, kISlice})));
  EXPECT_TRUE(IsH264EntryPoint(UnitOf({kDelimiter, kRecoveryPoint, kPSlice})));
}

TEST(H264EntryPoint, OtherPicturesAreNone) {
  EXPECT_FALSE(IsH264EntryPoint(UnitOf({kDelimiter, kPSlice})));
  EXPECT_FALSE(IsH264EntryPoint(UnitOf({kISlice, kPSlice}))) << "a P slice needs what was before";
  EXPECT_FALSE(IsH264EntryPoint(UnitOf({kUserData, kPSlice}))) << "6 is inside of another message";
  EXPECT_FALSE(IsH264EntryPoint(UnitOf({kDelimiter})));
  EXPECT_FALSE(IsH264EntryPoint(UnitOf({{0x41}}))) << "a slice without a header";
  EXPECT_FALSE(IsH264EntryPoint(UnitOf({{0x06, 0xff}, {0x06}}))) << "messages cut short";
  EXPECT_FALSE(IsH264EntryPoint({}));
}

TEST(ClosedEntryPoint, IdrIsOneAndOthersAreNot) {
  const auto unit = [](uint8_t a, uint8_t b) { return std::vector<uint8_t>{0, 0, 0, 2, a, b}; };
  EXPECT_TRUE(IsClosedEntryPoint(Codec::kH264, unit(0x65, 0x88)));
  EXPECT_FALSE(IsClosedEntryPoint(Codec::kH264, unit(0x41, 0x88)));
  EXPECT_TRUE(IsClosedEntryPoint(Codec::kH265, unit(20 << 1, 1))) << "IDR_N_LP";
  EXPECT_FALSE(IsClosedEntryPoint(Codec::kH265, unit(19 << 1, 1)))
      << "IDR_W_RADL may have leading pictures";
  EXPECT_FALSE(IsClosedEntryPoint(Codec::kH265, unit(21 << 1, 1))) << "CRA";
  EXPECT_FALSE(
      IsClosedEntryPoint(Codec::kH264, std::vector<uint8_t>{0xff, 0xff, 0xff, 0xff, 0x65}));
}

TEST(Nal, EmulationPreventionIsTakenOut) {
  const std::vector<uint8_t> in = {0, 0, 3, 1, 0, 0, 3, 0, 0, 3};
  EXPECT_EQ(RemoveEmulationPrevention(in), (std::vector<uint8_t>{0, 0, 1, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace penstock::fragmenter
