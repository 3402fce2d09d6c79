// G.711 of a stream cut into fragments, as players get it: AAC on one grid, whatever the cuts.
#include "playback/audio/g711_as_aac.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/g711.h"
#include "playback/audio/aac_encoder.h"
#include "playback/mp4/init_segment.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {
namespace {

using fragmenter::Codec;
using fragmenter::Frame;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;

constexpr uint32_t kPacket = 160;  // 20 ms

TrackConfig Telephone(Codec codec = Codec::kPcmu, uint32_t rate = 8000) {
  return TelephoneTrack(2, codec, rate);
}

// Packets [first, last) of a stream; the cluster holds nothing else.
StoredMedia Fragment(int first, int last) {
  StoredMedia media;
  std::string bytes;
  for (int packet = first; packet < last; ++packet) {
    media.table.frames.push_back(Frame{.track = 2,
                                       .key = true,
                                       .offset = static_cast<uint32_t>(bytes.size()),
                                       .size = kPacket,
                                       .dts = int64_t{packet} * kPacket,
                                       .duration = kPacket});
    bytes.append(kPacket, static_cast<char>(0x80 + packet % 32));
  }
  media.cluster.Append(Bytes::From(std::move(bytes)));
  return media;
}

std::vector<int64_t> UnitsOf(const MadeTrack& made) {
  std::vector<int64_t> units;
  for (const Frame& frame : made.frames) {
    EXPECT_EQ(frame.dts % AacEncoder::kUnitSamples, 0);
    units.push_back(frame.dts / AacEncoder::kUnitSamples);
  }
  return units;
}

MadeTrack Transcoded(const std::optional<StoredMedia>& before, const StoredMedia& fragment,
                     TrackConfig track = Telephone()) {
  auto made = TranscodeG711(TrackSet{{std::move(track)}}, before, fragment);
  EXPECT_TRUE(made.ok()) << made.error().message();
  EXPECT_EQ(made->size(), 1u);
  return made->front();
}

TEST(G711AsAacTest, EachUnitIsInOneSegmentWhereverFragmentsAreCut) {
  const std::vector<int> cuts = {0, 50, 51, 57, 150, 151, 300, 303, 310, 400};
  std::vector<int64_t> units;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    std::optional<StoredMedia> before;
    if (i > 0) before = Fragment(cuts[i - 1], cuts[i]);
    const MadeTrack made = Transcoded(before, Fragment(cuts[i], cuts[i + 1]));
    const std::vector<int64_t> more = UnitsOf(made);
    units.insert(units.end(), more.begin(), more.end());
    size_t bytes = 0;
    for (const Frame& frame : made.frames) {
      EXPECT_EQ(frame.offset, bytes);
      bytes += frame.size;
    }
    EXPECT_EQ(made.bytes.size(), bytes);
  }
  // All but what the encoder still waits for at the end.
  const int64_t whole =
      (400 * int64_t{kPacket} - AacEncoder::kDelaySamples) / AacEncoder::kUnitSamples;
  std::vector<int64_t> expected(static_cast<size_t>(whole));
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(units, expected);
}

TEST(G711AsAacTest, AHoleInTheSoundIsSilenceAndMovesNothing) {
  const MadeTrack made = Transcoded(Fragment(0, 50), Fragment(100, 150));
  const std::vector<int64_t> units = UnitsOf(made);
  ASSERT_FALSE(units.empty());
  EXPECT_EQ(units.back() - units.front() + 1, static_cast<int64_t>(units.size()));
  EXPECT_EQ(units.front(),
            (50 * int64_t{kPacket} - AacEncoder::kDelaySamples) / AacEncoder::kUnitSamples);
}

TEST(G711AsAacTest, AFragmentTooShortForAUnitHasNone) {
  EXPECT_TRUE(Transcoded(Fragment(0, 50), Fragment(50, 51)).frames.empty());
}

TEST(G711AsAacTest, OtherTracksAreServedAsTheyAre) {
  TrackConfig aac{.number = 1,
                  .codec = Codec::kAac,
                  .codec_private = Bytes::From(std::string("\x11\x90", 2)),
                  .clock_rate = 48'000,
                  .sample_rate = 48'000,
                  .channels = 2};
  const TrackSet stored{{aac, Telephone()}};
  const TrackSet served = ServedTracks(stored);
  ASSERT_EQ(served.tracks.size(), 2u);
  EXPECT_EQ(served.tracks[0], aac);
  EXPECT_EQ(served.tracks[1].codec, Codec::kAac);
  const auto config = fragmenter::ParseAudioSpecificConfig(served.tracks[1].codec_private);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->sample_rate, 8000u);
  EXPECT_EQ(config->channels, 1u);
  EXPECT_EQ(config->object_type, 2u);
  EXPECT_TRUE(MakeInitSegment(served).ok());
  EXPECT_FALSE(MakeInitSegment(stored).ok()) << "no player takes G.711 in MP4";
}

TEST(G711AsAacTest, ARateThatNoAacHasIsLeftOut) {
  const TrackConfig odd = Telephone(Codec::kPcma, 7000);
  EXPECT_TRUE(ServedTracks(TrackSet{{odd}}).tracks.empty());
  const MadeTrack made = Transcoded(std::nullopt, Fragment(0, 50), odd);
  EXPECT_TRUE(made.frames.empty());
}

TEST(G711AsAacTest, ATableThatDoesNotFitItsClusterIsDamage) {
  StoredMedia fragment = Fragment(0, 50);
  fragment.cluster = fragment.cluster.Slice(0, 40 * kPacket);
  const auto made = TranscodeG711(TrackSet{{Telephone()}}, std::nullopt, fragment);
  EXPECT_EQ(made.error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace penstock::playback
