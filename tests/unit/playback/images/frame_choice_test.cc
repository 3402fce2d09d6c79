#include "playback/images/frame_choice.h"

#include <gtest/gtest.h>

#include "playback/images/image_form.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {
namespace {

using std::chrono::milliseconds;

// Pictures of 40 ms each, in order of decoding; when each is shown, in pictures.
fragmenter::FrameTable Table(const std::vector<std::pair<int, bool>>& shown_and_key) {
  fragmenter::FrameTable table;
  for (size_t i = 0; i < shown_and_key.size(); ++i) {
    const auto [shown, key] = shown_and_key[i];
    table.frames.push_back(fragmenter::Frame{.track = 2, .key = true});  // sound in between
    const auto dts = static_cast<int64_t>(i) * 3600;
    table.frames.push_back(fragmenter::Frame{.track = 1,
                                             .key = key,
                                             .dts = dts,
                                             .cts_offset = static_cast<int32_t>(shown * 3600 - dts),
                                             .duration = 3600});
  }
  return table;
}

TEST(FrameChoiceTest, TheLastPictureShownByThenIsChosen) {
  const auto table = Table({{10, true}, {13, false}, {11, false}, {12, false}});
  const FrameChoice choice(AvcTrack(1), table);
  EXPECT_EQ(choice.order(), (std::vector<size_t>{1, 3, 5, 7}));
  EXPECT_EQ(choice.At(milliseconds(-1)), 0u) << "nothing was shown before";
  EXPECT_EQ(choice.At(milliseconds(0)), 0u);
  EXPECT_EQ(choice.At(milliseconds(39)), 0u);
  EXPECT_EQ(choice.At(milliseconds(40)), 2u);
  EXPECT_EQ(choice.At(milliseconds(119)), 3u);
  EXPECT_EQ(choice.At(milliseconds(120)), 1u);
  EXPECT_EQ(choice.At(std::chrono::hours(1)), 1u);
}

TEST(FrameChoiceTest, APictureIsFoundByItsTimeInWholeMilliseconds) {
  // 30 a second: the second picture is shown after 33.367 ms, of which clients know 33.
  auto table = Table({{0, true}, {1, false}});
  table.frames[3].cts_offset = 3003 - 3600;
  EXPECT_EQ(FrameChoice(AvcTrack(1), table).At(milliseconds(33)), 1u);
  EXPECT_EQ(FrameChoice(AvcTrack(1), table).At(milliseconds(32)), 0u);
}

TEST(FrameChoiceTest, PicturesBeforeAKeyFrameNeedTheOneBefore) {
  // An open group: two pictures are decoded behind the second key frame and shown before it.
  const auto table = Table({{0, true}, {1, false}, {4, true}, {2, false}, {3, false}, {5, false}});
  const FrameChoice choice(AvcTrack(1), table);
  EXPECT_EQ(choice.KeyOf(1), 0u);
  EXPECT_EQ(choice.KeyOf(2), 2u);
  EXPECT_EQ(choice.KeyOf(3), 0u);
  EXPECT_EQ(choice.KeyOf(4), 0u);
  EXPECT_EQ(choice.KeyOf(5), 2u);
  EXPECT_TRUE(choice.IsShownBefore(3, 2));
  const auto cut = Table({{4, true}, {2, false}, {5, false}});
  EXPECT_EQ(FrameChoice(AvcTrack(1), cut).KeyOf(1), std::nullopt);
}

TEST(FrameChoiceTest, WithoutPicturesThereIsNone) {
  EXPECT_EQ(FrameChoice(AvcTrack(7), Table({{0, true}})).At(milliseconds(0)), std::nullopt);
  EXPECT_EQ(FirstVideo({{AacTrack(1)}}), nullptr);
  const fragmenter::TrackSet both{{AacTrack(1), AvcTrack(2)}};
  EXPECT_EQ(FirstVideo(both)->number, 2u);
}

TEST(ImageFormTest, ASideThatIsNotNamedKeepsThePicturesShape) {
  const PictureSize hd{1920, 1080};
  const auto size = [](uint32_t width, uint32_t height, PictureSize picture) {
    ImageForm form;
    form.size = {width, height};
    return SizeOf(form, picture);
  };
  EXPECT_EQ(size(0, 0, hd), hd);
  EXPECT_EQ(size(640, 0, hd), (PictureSize{640, 360}));
  EXPECT_EQ(size(0, 200, hd), (PictureSize{356, 200}));
  EXPECT_EQ(size(100, 100, hd), (PictureSize{100, 100}));
  EXPECT_EQ(size(1, 0, hd), (PictureSize{1, 1}));
  EXPECT_EQ(size(0, 2160, {4096, 16}), (PictureSize{3840, 2160}));
}

TEST(ImageFormTest, QualityIsOfJpegAlone) {
  ImageForm one{.jpeg_quality = 10, .size = {}};
  ImageForm other{.jpeg_quality = 90, .size = {}};
  EXPECT_NE(ToKey(one), ToKey(other));
  one.format = other.format = ImageFormat::kPng;
  EXPECT_EQ(ToKey(one), ToKey(other));
}

}  // namespace
}  // namespace penstock::playback
