#include "playback/ts/transport_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fragmenter/codec/opus.h"
#include "playback/audio/g711_as_aac.h"
#include "playback/ts/packet_writer.h"
#include "playback/ts/tables.h"
#include "tests/unit/playback/media_builders.h"
#include "tests/unit/playback/ts/transport_reader.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::TrackSet;
using testing::HasSubstr;

constexpr uint16_t kVideoPid = 0x100;
constexpr uint16_t kSoundPid = 0x101;
constexpr int64_t kOrigin = 900'000;

TrackSet AvcAndAac() { return {{AvcTrack(1), AacTrack(2)}}; }

// An access unit as it is stored.
std::string Nals(std::vector<std::string> units) {
  std::string out;
  for (const std::string& unit : units) {
    ByteWriter length;
    length.Be(static_cast<uint32_t>(unit.size()));
    out += AsText(length.span());
    out += unit;
  }
  return out;
}

std::string Hex(std::string_view hex) { return std::string(FromHex(hex).text()); }

struct Made {
  Bytes bytes;
  TransportReader reader;
};

Made Make(FragmentBuilder& fragment, const TrackSet& tracks = AvcAndAac()) {
  const ByteChain cluster = fragment.Finish();
  auto segment = MakeTransportSegment(tracks, fragment.table, cluster);
  EXPECT_TRUE(segment.ok()) << segment.error().ToString();
  return {*segment, TransportReader(*segment)};
}

Frame Picture(int64_t dts, bool key = false, int32_t cts_offset = 0, uint32_t duration = 3600) {
  return {.track = 1, .key = key, .dts = dts, .cts_offset = cts_offset, .duration = duration};
}
Frame Sound(int64_t dts) { return {.track = 2, .key = true, .dts = dts, .duration = 1024}; }

TEST(TransportSegment, ReadsAsItIsWrittenHere) {
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({"\x65KEY"}));
  const Made made = Make(fragment);
  const auto packet = [&](size_t i) { return ToHex(made.bytes.Slice(i * 188, 188)); };
  ASSERT_EQ(made.bytes.size(), 3u * 188);
  const auto filled = [](std::string hex) { return hex.append(2 * 188 - hex.size(), 'f'); };
  EXPECT_EQ(packet(0), filled("47400030"  // PAT: unit start, PID 0; both, counter 0
                              "0180"      //   discontinuity_indicator
                              "00"        //   pointer_field
                              "00b00d0001c10000"
                              "0001f000"  //   program 1: PID 0x1000
                              "2ab104b2"));
  EXPECT_EQ(packet(1), filled("47500030"  // PMT
                              "0180"
                              "00"
                              "02b0170001c10000"
                              "e100f000"    //   the clock comes with PID 0x100
                              "1be100f000"  //   H.264
                              "0fe101f000"  //   ADTS
                              "2f44b99b"));
  const std::string adaptation =
      "47410030"
      "8d"
      "d0"             // discontinuity, random access, PCR
      "000685ec7e00";  //   9.5 s
  EXPECT_EQ(packet(2), adaptation + std::string(2 * 134, 'f') +
                           "000001e0002484"    // PES of 36 bytes, aligned
                           "80052100377741"    //   PTS alone, 10 s
                           "0000000109f0"      // delimiter
                           "00000001674d401f"  // SPS
                           "0000000168ee"      // PPS
                           "00000001654b4559");
}

TEST(TransportSegment, PicturesBecomeAByteStreamWithTheirParameterSets) {
  const std::string sps = Hex("674d401f"), pps = Hex("68ee");
  const std::string code = Hex("00000001"), delimiter = Hex("0000000109f0");
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({Hex("0910"), "\x06SEI", "\x65KEY"}))
      .Add(Picture(3600), Nals({"\x41TOP",
                                "\x41"
                                "BOTTOM"}))
      .Add(Picture(7200, true), Nals({"\x67OWN", "\x68OWN", "\x65KEY"}))
      .Add(Picture(10'800, true), Nals({"\x67OWN", "\x65KEY"}));
  const auto pictures = Make(fragment).reader.OfPid(kVideoPid);
  ASSERT_EQ(pictures.size(), 4u);
  EXPECT_EQ(pictures[0].payload,
            delimiter + code + sps + code + pps + code + "\x06SEI" + code + "\x65KEY")
      << "one delimiter";
  EXPECT_EQ(pictures[1].payload, delimiter + code + "\x41TOP" + code +
                                     "\x41"
                                     "BOTTOM");
  EXPECT_EQ(pictures[2].payload, delimiter + code + "\x67OWN" + code + "\x68OWN" + code + "\x65KEY")
      << "what the picture brings is not said twice";
  EXPECT_EQ(pictures[3].payload,
            delimiter + code + sps + code + pps + code + "\x67OWN" + code + "\x65KEY")
      << "its own come last and hold";
  EXPECT_TRUE(pictures[0].random_access);
  EXPECT_FALSE(pictures[1].random_access);
}

TEST(TransportSegment, OfAPictureWhoseLengthsLieWhatIsWholeIsServed) {
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({"\x65KEY"}) + Hex("00001000") + "rest")
      .Add(Picture(3600), Hex("7fffffff"))
      .Add(Picture(7200), Hex("0000"))
      .Add(Picture(10'800), Nals({"",
                                  "\x41"
                                  "D"}));
  const auto pictures = Make(fragment).reader.OfPid(kVideoPid);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_TRUE(pictures[0].payload.ends_with("\x65KEY"));
  EXPECT_TRUE(
      pictures[1].payload.ends_with("\x41"
                                    "D"));
}

TEST(TransportSegment, LengthsMayHaveOneOrTwoBytes) {
  for (const int bytes : {1, 2}) {
    TrackSet tracks{{AvcTrack(1)}};
    std::vector<uint8_t> box(tracks.tracks[0].codec_private.span().begin(),
                             tracks.tracks[0].codec_private.span().end());
    box[4] = static_cast<uint8_t>(0xfc | (bytes - 1));
    tracks.tracks[0].codec_private = Bytes::From(box);
    FragmentBuilder fragment;
    const std::string length = bytes == 1 ? Hex("04") : Hex("0004");
    fragment.Add(Picture(0, true), length + "\x65KEY" + length +
                                       "\x65"
                                       "END");
    const auto pictures = Make(fragment, tracks).reader.OfPid(kVideoPid);
    ASSERT_EQ(pictures.size(), 1u);
    EXPECT_THAT(pictures[0].payload, HasSubstr("\x65KEY" + Hex("00000001") +
                                               "\x65"
                                               "END"));
  }
}

TEST(TransportSegment, SoundIsGatheredWhileItsUnitsFollowEachOther) {
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({"\x65KEY"}));
  for (int i = 0; i < 3; ++i) fragment.Add(Sound(i * 1024), std::string(100, 's'));
  fragment.Add(Sound(5 * 1024), "LATER");  // two units are missing
  for (int i = 6; i < 9; ++i) fragment.Add(Sound(i * 1024), std::string(1500, 'l'));
  const auto sound = Make(fragment).reader.OfPid(kSoundPid);
  ASSERT_EQ(sound.size(), 4u);
  EXPECT_EQ(sound[0].pts, kOrigin);
  EXPECT_EQ(sound[0].payload.size(), 3u * 107);
  // ADTS: LC, 48 kHz, stereo, 107 bytes.
  EXPECT_EQ(ToHex(AsBytes(sound[0].payload).first(7)), "fff14c800d7ffc");
  EXPECT_EQ(sound[1].pts, kOrigin + 5 * 1920);
  EXPECT_EQ(sound[1].payload.size(), 12u + 1507);
  EXPECT_EQ(sound[2].pts, kOrigin + 7 * 1920);
}

TEST(TransportSegment, WhatCannotBeAUnitOfSoundLeavesTheOthersInPlace) {
  FragmentBuilder fragment;
  fragment.Add(Sound(0), "A")
      .Add(Sound(1024), std::string(8185, 'x'))
      .Add(Sound(2048), "")
      .Add(Sound(3072), "B");
  const auto sound = Make(fragment).reader.OfPid(kSoundPid);
  ASSERT_EQ(sound.size(), 2u);
  EXPECT_EQ(sound[1].pts, kOrigin + 3 * 1920);
}

TEST(TransportSegment, EveryStuffingFillsItsPacket) {
  for (size_t size = 1; size < 400; ++size) {
    FragmentBuilder fragment;
    fragment.Add(Picture(0, true), Nals({"\x65" + std::string(size, 'p')}))
        .Add(Picture(3600), Nals({"\x41" + std::string(size, 'd')}));
    const auto pictures = Make(fragment).reader.OfPid(kVideoPid);
    ASSERT_EQ(pictures.size(), 2u);
    EXPECT_TRUE(pictures[1].payload.ends_with(std::string(size, 'd'))) << size;
  }
}

TEST(TransportSegment, APictureOfMoreThan64KiBSaysNoLength) {
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({"\x65" + std::string(200'000, 'p')}))
      .Add(Picture(3600), Nals({"\x41small"}));
  const Made made = Make(fragment);
  const auto pictures = made.reader.OfPid(kVideoPid);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_FALSE(pictures[0].told_bytes.has_value());
  EXPECT_GT(pictures[0].payload.size(), 200'000u);
  EXPECT_TRUE(pictures[1].told_bytes.has_value());
  EXPECT_LT(made.bytes.size(), 200'000u * 104 / 100);
}

TEST(TransportSegment, TheClockIsToldEvery100MsHoweverSlowThePicturesAre) {
  std::vector<uint8_t> both;
  for (int second = 0; second < 2; ++second) {
    FragmentBuilder fragment;
    for (int i = 0; i < 2; ++i)
      fragment.Add(Picture(second * 90'000 + i * 45'000, i == 0, 0, 45'000), Nals({"\x65P"}));
    const Bytes segment = Make(fragment).bytes;
    both.insert(both.end(), segment.span().begin(), segment.span().end());
  }
  const TransportReader reader(both);
  EXPECT_EQ(reader.clock().size(), 20u);
  for (size_t i = 1; i < reader.clock().size(); ++i) {
    EXPECT_GT(reader.clock()[i], reader.clock()[i - 1]);
    EXPECT_LE(reader.clock()[i] - reader.clock()[i - 1], 9000);
  }
  EXPECT_EQ(reader.announced_breaks(), 6) << "PAT, PMT and pictures of both";
}

TEST(TransportSegment, ATableThatLeapsDoesNotFloodTheSegmentWithClocks) {
  FragmentBuilder fragment;
  for (int i = 0; i < 20; ++i) fragment.Add(Picture(i * 90'000'000'000), Nals({"\x41P"}));
  EXPECT_LT(Make(fragment).bytes.size(), 1100u * 188);
}

TEST(TransportSegment, TimesWrapAt33Bits) {
  const int64_t wrap = int64_t{1} << 33;
  FragmentBuilder fragment;
  for (int i = -5; i < 5; ++i) {
    const int64_t at = wrap - kOrigin + i * 3600;
    fragment.Add(Picture(at, i == -5), Nals({"\x41P"}));
  }
  const TransportReader reader = Make(fragment).reader;
  const auto pictures = reader.OfPid(kVideoPid);
  ASSERT_EQ(pictures.size(), 10u);
  EXPECT_EQ(pictures[4].pts, wrap - 3600);
  EXPECT_EQ(pictures[5].pts, 0);
  for (size_t i = 1; i < 10; ++i) {
    EXPECT_EQ(Distance(pictures[i - 1].pts, pictures[i].pts), 3600);
    EXPECT_EQ(Distance(reader.clock()[i], pictures[i].dts), 45'000);
  }
}

TEST(TransportSegment, SoundAloneCarriesTheClock) {
  FragmentBuilder fragment;
  for (int i = 0; i < 200; ++i) fragment.Add(Sound(i * 1024), std::string(20, 's'));
  const TransportReader reader = Make(fragment, {{AacTrack(2)}}).reader;
  EXPECT_EQ(reader.clock_pid(), kVideoPid) << "the first PID";
  EXPECT_EQ(reader.types().at(kVideoPid), 0x0f);
  for (size_t i = 1; i < reader.clock().size(); ++i)
    EXPECT_LE(reader.clock()[i] - reader.clock()[i - 1], 9000);
}

TEST(TransportSegment, MadeSoundTakesThePlaceOfWhatIsStored) {
  const TrackSet stored{{AvcTrack(1), TelephoneTrack(2)}};
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({"\x65KEY"}));
  for (int i = 0; i < 50; ++i)
    fragment.Add({.track = 2, .key = true, .dts = i * 160, .duration = 160},
                 std::string(160, '\xff'));
  const StoredMedia media{fragment.table, fragment.Finish()};
  const auto made = TranscodeG711(stored, std::nullopt, media).value();
  const Bytes segment =
      MakeTransportSegment(ServedTracks(stored), media.table, media.cluster, made).value();
  const TransportReader reader(segment);
  const auto sound = reader.OfPid(kSoundPid);
  ASSERT_FALSE(sound.empty());
  // LC, 8 kHz, mono.
  EXPECT_EQ(ToHex(AsBytes(sound[0].payload).first(3)), "fff16c");
  EXPECT_EQ(sound[0].pts, kOrigin);
}

TEST(TransportSegment, WhatMpegTsCannotCarryIsRefusedByName) {
  fragmenter::TrackConfig opus = AacTrack(2);
  opus.codec = fragmenter::Codec::kOpus;
  opus.codec_private = fragmenter::MakeOpusHead({});
  const Status status = CheckTransport({{AvcTrack(1), opus}});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(status.error().message(), HasSubstr("Opus"));
  EXPECT_EQ(CheckTransport({}).error().code(), ErrorCode::kUnsupported);
  EXPECT_TRUE(CheckTransport(AvcAndAac()).ok());
}

TEST(TransportSegment, ATableThatDoesNotFitIsAnError) {
  FragmentBuilder fragment;
  fragment.Add(Picture(0, true), Nals({"\x65KEY"}));
  const ByteChain cluster = fragment.Finish();
  const auto code = [&](fragmenter::FrameTable table) {
    return MakeTransportSegment(AvcAndAac(), table, cluster).error().code();
  };
  fragmenter::FrameTable outside = fragment.table;
  outside.frames[0].size += 1;
  EXPECT_EQ(code(outside), ErrorCode::kCorruption);
  fragmenter::FrameTable unknown = fragment.table;
  unknown.frames[0].track = 7;
  EXPECT_EQ(code(unknown), ErrorCode::kCorruption);
  fragmenter::FrameTable late = fragment.table;
  late.frames[0].dts = int64_t{1} << 60;
  EXPECT_EQ(code(late), ErrorCode::kCorruption);
  EXPECT_EQ(code({}), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace penstock::playback
