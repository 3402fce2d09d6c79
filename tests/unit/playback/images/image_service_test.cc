// Images of a stream's fragments: made once, shared, refused where there are too many.
#include "playback/images/image_service.h"

#include "base/executor.h"
#include "tests/unit/playback/images/gray_film.h"

namespace penstock::playback {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class ImageServiceTest : public RecordedMedia {
 protected:
  store::ItemRef Record(int pictures = 10) {
    const GrayFilm film =
        MakeGrayFilm(folder() / "film.mp4", "-c:v libx264 -preset ultrafast -threads 1", pictures);
    return RecordFilm(*shard_, film, ServerTimeFromMs(kNoonMs));
  }
  Result<ImageService::Images> Get(ImageService& service, const store::ItemRef& fragment,
                                   std::vector<microseconds> after) {
    return SyncWait(service.Get(shard_, fragment, std::move(after), ImageForm()));
  }
};

// Asks on a loop of its own kind; the answer is there when `loop` has run.
Task<void> Ask(ImageService& service, std::shared_ptr<store::Shard> shard, store::ItemRef fragment,
               std::vector<microseconds> after, std::optional<Result<ImageService::Images>>& out,
               int& missing, LoopExecutor& loop) {
  out = co_await service.Get(std::move(shard), fragment, std::move(after), ImageForm());
  if (--missing == 0) loop.Stop();
}

TEST_F(ImageServiceTest, TimesGiveTheirPicturesAndEqualOnesOneImage) {
  ImageService service;
  const auto images = Get(service, Record(),
                          {milliseconds(85), milliseconds(80), milliseconds(0), milliseconds(360)});
  ASSERT_TRUE(images.ok()) << images.error().ToString();
  EXPECT_EQ(PictureNumbers(folder(), *images), (std::vector<int>{2, 2, 0, 9}));
  EXPECT_EQ((*images)[0]->data(), (*images)[1]->data());
}

TEST_F(ImageServiceTest, TheSecondTimeNothingIsRead) {
  ImageService service;
  const store::ItemRef fragment = Record();
  const auto first = Get(service, fragment, {milliseconds(80)});
  const auto again = Get(service, fragment, {milliseconds(90)});
  EXPECT_EQ(shard_->opens, 1);
  EXPECT_EQ(first.value()[0]->data(), again.value()[0]->data());
}

TEST_F(ImageServiceTest, WhatTwoWantAtOnceIsMadeOnce) {
  ImageService service;
  const store::ItemRef fragment = Record();
  shard_->hold_open.emplace();
  LoopExecutor loop;
  std::optional<Result<ImageService::Images>> one, other;
  int missing = 2;
  loop.Post([&] {
    Detach(Ask(service, shard_, fragment, {milliseconds(0), milliseconds(80)}, one, missing, loop));
    Detach(Ask(service, shard_, fragment, {milliseconds(80)}, other, missing, loop));
    loop.Post([&] { shard_->hold_open->Set(Unit()); });
  });
  loop.Run();
  EXPECT_EQ(shard_->opens, 1);
  EXPECT_EQ(one->value()[1]->data(), other->value()[0]->data());
}

TEST_F(ImageServiceTest, MoreThanMayWaitAreRefused) {
  ImageService service(ImageOptions{.threads = 1, .waiting_max = 1});
  const store::ItemRef fragment = Record();
  shard_->hold_open.emplace();
  LoopExecutor loop;
  std::optional<Result<ImageService::Images>> inside, waiting, refused;
  int missing = 3;
  loop.Post([&] {
    Detach(Ask(service, shard_, fragment, {milliseconds(0)}, inside, missing, loop));
    Detach(Ask(service, shard_, fragment, {milliseconds(40)}, waiting, missing, loop));
    Detach(Ask(service, shard_, fragment, {milliseconds(80)}, refused, missing, loop));
    EXPECT_EQ(missing, 2) << "one was answered at once";
    shard_->hold_open->Set(Unit());
    shard_->hold_open.reset();
  });
  loop.Run();
  EXPECT_EQ(refused->error().code(), ErrorCode::kThrottled);
  EXPECT_TRUE(inside->value()[0].ok());
  EXPECT_TRUE(waiting->value()[0].ok());
  EXPECT_TRUE(Get(service, fragment, {milliseconds(80)}).value()[0].ok()) << "there is room again";
}

TEST_F(ImageServiceTest, WhatCannotBeReadIsTheImagesErrorAndWhatHasGoneTheFragments) {
  ImageService service;
  const store::ItemRef fragment = Record();
  shard_->damaged.insert(0);
  const auto damaged = Get(service, fragment, {milliseconds(0), milliseconds(40)});
  ASSERT_EQ(damaged.value().size(), 2u);
  EXPECT_EQ(damaged.value()[1].error().code(), ErrorCode::kCorruption);
  shard_->damaged.clear();
  shard_->oldest = 1;
  EXPECT_EQ(Get(service, fragment, {milliseconds(0)}).error().code(), ErrorCode::kTrimmed);
}

TEST_F(ImageServiceTest, SoundHasNoImages) {
  ImageService service;
  store::ItemRef fragment = Record();
  const fragmenter::TrackSet sound{{AacTrack(1)}};
  shard_->track_sets[99] = {.id = 99, .meta = fragmenter::EncodeTrackSet(sound)};
  fragment.header.track_set = 99;
  EXPECT_EQ(Get(service, fragment, {milliseconds(0)}).value()[0].error().code(),
            ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace penstock::playback
