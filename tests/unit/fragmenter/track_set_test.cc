#include "fragmenter/media.h"

namespace penstock::fragmenter {
namespace {

TrackSet AvAndAac() {
  TrackSet set;
  set.tracks.push_back({.number = 1,
                        .codec = Codec::kH264,
                        .codec_private = Bytes::Copy(std::string_view("\x01\x4d\x40\x1f\xff", 5)),
                        .clock_rate = 90'000,
                        .width = 1280,
                        .height = 720});
  set.tracks.push_back({.number = 2,
                        .codec = Codec::kAac,
                        .codec_private = Bytes::Copy(std::string_view("\x11\x90", 2)),
                        .clock_rate = 48'000,
                        .sample_rate = 48'000,
                        .channels = 2});
  return set;
}

TEST(TrackSet, ComparesByContentAndNotByWhereTheBytesLie) {
  EXPECT_EQ(AvAndAac(), AvAndAac());
  TrackSet other = AvAndAac();
  other.tracks[0].codec_private = Bytes::Copy("other");
  EXPECT_FALSE(other == AvAndAac());
}

TEST(TrackSet, SurvivesTheRoundTrip) {
  const Result<TrackSet> back = DecodeTrackSet(EncodeTrackSet(AvAndAac()));
  ASSERT_TRUE(back.ok()) << back.error().ToString();
  EXPECT_EQ(*back, AvAndAac());
  ASSERT_NE(back->Find(2), nullptr);
  EXPECT_EQ(back->Find(2)->sample_rate, 48'000u);
  EXPECT_EQ(back->Find(3), nullptr);
}

TEST(TrackSet, EveryTruncationAndEveryTailIsCorruption) {
  const Bytes bytes = EncodeTrackSet(AvAndAac());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeTrackSet(bytes.span().first(size)).ok()) << size;
  std::vector<uint8_t> longer(bytes.span().begin(), bytes.span().end());
  longer.push_back(0);
  EXPECT_FALSE(DecodeTrackSet(longer).ok());
}

TEST(CodecString, NamesWhatThePrivateDataSays) {
  EXPECT_EQ(AvAndAac().tracks[0].CodecString(), "avc1.4d401f");
  EXPECT_EQ(AvAndAac().tracks[1].CodecString(), "mp4a.40.2");
  const std::vector<uint8_t> hvcc = {1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0};
  const TrackConfig hevc{.number = 1, .codec = Codec::kH265, .codec_private = Bytes::Copy(hvcc)};
  EXPECT_EQ(hevc.CodecString(), "hvc1.1.6.L93.b0");
  EXPECT_EQ(TrackConfig{.codec = Codec::kH264}.CodecString(), "avc1");
}

TEST(CodecString, ExplicitlySignalledHeAacIsNamedAsSuch) {
  // SBR (5), 24 kHz (6), stereo, extension 48 kHz (3), core AAC-LC (2): 00101 0110 0010 0011 00010
  // 000
  const std::vector<uint8_t> config = {0x2b, 0x11, 0x88, 0x00};
  EXPECT_EQ((TrackConfig{.codec = Codec::kAac, .codec_private = Bytes::Copy(config)}.CodecString()),
            "mp4a.40.5");
}

TEST(MkvHeader, EqualTrackSetsGiveEqualBytes) {
  const Bytes a = EncodeMkvHeader(AvAndAac());
  const Bytes b = EncodeMkvHeader(AvAndAac());
  EXPECT_TRUE(std::ranges::equal(a.span(), b.span()));
  EXPECT_GT(a.size(), 100u);
}

}  // namespace
}  // namespace penstock::fragmenter
