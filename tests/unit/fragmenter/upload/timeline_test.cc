#include "fragmenter/upload/timeline.h"

#include <gmock/gmock.h>

namespace penstock::fragmenter {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<UploadHeader> Header(bool sound = false) {
  auto header = std::make_shared<UploadHeader>();
  TrackConfig video;
  video.number = 1;
  video.codec = Codec::kH264;
  video.clock_rate = 90'000;
  header->playable.tracks.push_back(video);
  header->tracks.push_back(UploadTrack{.number = 1, .video = true});
  if (!sound) return header;
  TrackConfig aac;
  aac.number = 2;
  aac.codec = Codec::kAac;
  aac.codec_private = Bytes::Copy(std::string_view("\x11\x90", 2));  // LC, 48 kHz, stereo
  aac.clock_rate = 48'000;
  header->playable.tracks.push_back(aac);
  header->tracks.push_back(UploadTrack{.number = 2});
  return header;
}

UploadFragment Fragment(std::shared_ptr<const UploadHeader> header,
                        const std::vector<std::pair<uint32_t, int64_t>>& blocks) {
  UploadFragment fragment;
  fragment.header = std::move(header);
  for (const auto& [track, ms] : blocks) {
    UploadBlock block;
    block.track = track;
    block.time = ms;
    block.key = fragment.blocks.empty();
    block.offset = static_cast<uint32_t>(fragment.blocks.size() * 10);
    block.size = 5;
    fragment.blocks.push_back(block);
  }
  return fragment;
}

std::vector<int64_t> DecodeTimes(const PlacedUpload& placed, uint32_t track) {
  std::vector<int64_t> out;
  for (const Frame& frame : placed.frames.frames) {
    if (frame.track == track) out.push_back(frame.dts);
  }
  return out;
}

TEST(UploadTimeline, ARunBeginsAtZeroAndGoesOnInTheNextFragment) {
  UploadTimeline timeline;
  const auto header = Header();
  const PlacedUpload first = timeline.Place(Fragment(header, {{1, 5000}, {1, 5040}}), 0);
  EXPECT_TRUE(first.starts_run);
  EXPECT_THAT(DecodeTimes(first, 1), ElementsAre(0, 3600));
  EXPECT_EQ(first.duration, std::chrono::milliseconds(80));
  const PlacedUpload second = timeline.Place(Fragment(header, {{1, 5080}, {1, 5120}}), 0);
  EXPECT_FALSE(second.starts_run);
  EXPECT_THAT(DecodeTimes(second, 1), ElementsAre(7200, 10800));
}

TEST(UploadTimeline, AHoleAStepBackAndOtherTracksBeginARun) {
  UploadTimeline timeline;
  const auto header = Header();
  timeline.Place(Fragment(header, {{1, 5000}, {1, 5040}}), 0);
  EXPECT_TRUE(timeline.Place(Fragment(header, {{1, 9000}}), 0).starts_run);
  EXPECT_TRUE(timeline.Place(Fragment(header, {{1, 5000}}), 0).starts_run);
  EXPECT_FALSE(timeline.Place(Fragment(Header(), {{1, 5040}}), 0).starts_run)
      << "equal tracks are the same";
  EXPECT_TRUE(timeline.Place(Fragment(Header(true), {{1, 5080}, {2, 5080}}), 0).starts_run);
  timeline.Break();
  EXPECT_TRUE(timeline.Place(Fragment(Header(true), {{1, 5120}, {2, 5120}}), 0).starts_run);
}

TEST(UploadTimeline, RelativeTimesGoOnFromAnotherStart) {
  UploadTimeline timeline;
  const auto header = Header();
  timeline.Place(Fragment(header, {{1, 0}, {1, 40}}), 1'000'000'000);
  const PlacedUpload next = timeline.Place(Fragment(header, {{1, 0}}), 1'080'000'000);
  EXPECT_FALSE(next.starts_run);
  EXPECT_THAT(DecodeTimes(next, 1), ElementsAre(7200));
}

TEST(UploadTimeline, PicturesThatAreReorderedHaveDecodeTimesInOrder) {
  UploadTimeline timeline;
  const PlacedUpload placed =
      timeline.Place(Fragment(Header(), {{1, 0}, {1, 120}, {1, 40}, {1, 80}}), 0);
  EXPECT_THAT(DecodeTimes(placed, 1), ElementsAre(0, 3600, 7200, 10800));
  EXPECT_EQ(placed.frames.frames[1].cts_offset, 7200);
  EXPECT_EQ(placed.frames.frames[2].cts_offset, -3600);
}

TEST(UploadTimeline, SoundCountsItsSamplesWhateverBlocksAreRoundedTo) {
  UploadTimeline timeline;
  const auto header = Header(true);
  const PlacedUpload placed =
      timeline.Place(Fragment(header, {{1, 0}, {2, 3}, {2, 24}, {2, 46}, {2, 67}}), 0);
  EXPECT_THAT(DecodeTimes(placed, 2), ElementsAre(0, 1024, 2048, 3072))
      << "it begins with the picture";
  const PlacedUpload next = timeline.Place(Fragment(header, {{1, 100}, {2, 88}, {2, 209}}), 0);
  EXPECT_THAT(DecodeTimes(next, 2), ElementsAre(4096, (209 - 3) * 48)) << "units are missing";
}

TEST(UploadTimeline, SoundFromClearlyBeforeThePictureMovesTheRunsBegin) {
  UploadTimeline timeline;
  const PlacedUpload placed = timeline.Place(Fragment(Header(true), {{2, 0}, {1, 100}}), 0);
  EXPECT_THAT(DecodeTimes(placed, 2), ElementsAre(0));
  EXPECT_THAT(DecodeTimes(placed, 1), ElementsAre(9000));
}

TEST(UploadTimeline, AFragmentThatNothingPlaysOfHasALengthAndNoFrames) {
  auto header = std::make_shared<UploadHeader>();
  header->tracks.push_back(UploadTrack{.number = 1, .video = true});
  UploadTimeline timeline;
  const PlacedUpload placed = timeline.Place(Fragment(header, {{1, 0}, {1, 500}}), 0);
  EXPECT_TRUE(placed.frames.frames.empty());
  EXPECT_EQ(placed.duration, std::chrono::milliseconds(500));
}

}  // namespace
}  // namespace penstock::fragmenter
