#include "playback/mp4/init_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {
namespace {

using fragmenter::TrackSet;
using testing::HasSubstr;

TrackSet Of(std::vector<fragmenter::TrackConfig> tracks) {
  TrackSet set;
  set.tracks = std::move(tracks);
  return set;
}

// "moov(mvhd trak(tkhd mdia(...)))"; fails if a box does not end where its parent says.
std::string Tree(ByteSpan bytes) {
  std::string out;
  while (!bytes.empty()) {
    if (bytes.size() < 8) return out + "!";
    const size_t size = size_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    if (size < 8 || size > bytes.size()) return out + "!";
    const std::string type(AsText(bytes.subspan(4, 4)));
    if (!out.empty()) out += ' ';
    out += type;
    size_t inner = 0;
    for (const char* master : {"moov", "trak", "mdia", "minf", "dinf", "stbl", "mvex"}) {
      if (type == master) inner = 8;
    }
    if (type == "stsd" || type == "dref") inner = 16;
    if (type == "avc1" || type == "hvc1") inner = 8 + 78;
    if (type == "mp4a") inner = 8 + 28;
    if (inner > 0) out += "(" + Tree(bytes.subspan(inner, size - inner)) + ")";
    bytes = bytes.subspan(size);
  }
  return out;
}

TEST(InitSegment, BoxesNestAsTheStandardSays) {
  const std::string tables = " stts stsc stco stsz))";
  EXPECT_EQ(Tree(MakeInitSegment(Of({AvcTrack(1), AacTrack(2)})).value()),
            "ftyp moov(mvhd "
            "trak(tkhd mdia(mdhd hdlr minf(vmhd dinf(dref(url )) stbl(stsd(avc1(avcC))" +
                tables +
                ")) "
                "trak(tkhd mdia(mdhd hdlr minf(smhd dinf(dref(url )) stbl(stsd(mp4a(esds))" +
                tables +
                ")) "
                "mvex(trex trex))");
}

TEST(InitSegment, H265IsHvc1) {
  fragmenter::TrackConfig track = AvcTrack(1);
  track.codec = fragmenter::Codec::kH265;
  EXPECT_THAT(Tree(MakeInitSegment(Of({track})).value()), HasSubstr("stsd(hvc1(hvcC))"));
}

TEST(InitSegment, WhatPlayersReadIsWrittenAsHere) {
  const std::string hex = ToHex(MakeInitSegment(Of({AvcTrack(1), AacTrack(2)})).value());
  // ftyp: iso6, version 1, compatible with iso6 and mp41; no cmfc
  EXPECT_TRUE(
      hex.starts_with("00000018"
                      "66747970"
                      "69736f36"
                      "00000001"
                      "69736f36"
                      "6d703431"));
  // mdhd: no times, timescale 90000 and 48000, duration 0, language "und"
  EXPECT_THAT(hex, HasSubstr("6d646864"
                             "000000000000000000000000"
                             "00015f90"
                             "00000000"
                             "55c40000"));
  EXPECT_THAT(hex, HasSubstr("6d646864"
                             "000000000000000000000000"
                             "0000bb80"
                             "00000000"
                             "55c40000"));
  // avc1: data reference 1, 1280 x 720 at 72 dpi
  EXPECT_THAT(hex, HasSubstr("61766331"
                             "000000000000"
                             "0001"
                             "00000000000000000000000000000000"
                             "0500"
                             "02d0"
                             "00480000"
                             "00480000"));
  // avcC: the codec private data as it is
  EXPECT_THAT(hex, HasSubstr("61766343"
                             "014d401fffe10004674d401f01000268ee"));
  // mp4a: data reference 1, stereo, 16 bit, 48000 Hz in 16.16
  EXPECT_THAT(hex, HasSubstr("6d703461"
                             "000000000000"
                             "0001"
                             "0000000000000000"
                             "0002"
                             "0010"
                             "00000000"
                             "bb800000"));
  // esds: ES { no id, DecoderConfig { MPEG-4 audio, AudioSpecificConfig 1190 }, SLConfig 2 }
  EXPECT_THAT(hex, HasSubstr("65736473"
                             "00000000"
                             "0380808022"
                             "0000"
                             "00"
                             "0480808014"
                             "40"
                             "15"
                             "0000000000000000000000"
                             "0580808002"
                             "1190"
                             "0680808001"
                             "02"));
  // trex of track 2: sample description 1, no defaults
  EXPECT_TRUE(
      hex.ends_with("74726578"
                    "00000000"
                    "00000002"
                    "00000001"
                    "000000000000000000000000"));
}

TEST(InitSegment, EqualTrackSetsGiveEqualBytes) {
  const Bytes a = MakeInitSegment(Of({AvcTrack(1)})).value();
  const Bytes b = MakeInitSegment(Of({AvcTrack(1)})).value();
  EXPECT_EQ(a.text(), b.text());
}

TEST(InitSegment, ATrackSetThatNoPlayerCouldTakeIsCorruption) {
  fragmenter::TrackConfig no_rate = AacTrack(1);
  no_rate.clock_rate = 0;
  fragmenter::TrackConfig no_private = AacTrack(1);
  no_private.codec_private = Bytes();
  for (const TrackSet& set : {Of({}), Of({AvcTrack(1), AacTrack(1)}), Of({AvcTrack(0)}),
                              Of({no_rate}), Of({no_private})}) {
    const Result<Bytes> init = MakeInitSegment(set);
    ASSERT_FALSE(init.ok());
    EXPECT_EQ(init.error().code(), ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace penstock::playback
