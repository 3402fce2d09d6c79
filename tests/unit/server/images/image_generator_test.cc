// Images of a stream as it is recorded, over the embedded store with real pictures in it.
#include "server/images/image_generator.h"

#include <gmock/gmock.h>

#include "server/operations/video/stream_info.h"
#include "store/disk/disk.h"
#include "tests/unit/playback/images/gray_film.h"

namespace penstock::server::images {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Collected final : public ImageDestination {
 public:
  Task<Status> Put(NewImage image, CancelToken token) override {
    if (hangs) {
      ++held;
      const Status slept = co_await Sleep(std::chrono::hours(1), token);
      co_return slept;
    }
    if (failures > 0) {
      --failures;
      co_return Error(failure, "disk full");
    }
    const std::lock_guard lock(mutex);
    images.push_back(std::move(image));
    co_return Status();
  }
  size_t count() {
    const std::lock_guard lock(mutex);
    return images.size();
  }
  std::mutex mutex;
  std::vector<NewImage> images;
  int failures = 0;
  ErrorCode failure = ErrorCode::kIo;
  bool hangs = false;
  std::atomic<int> held{0};
};

uint64_t Counted(std::string_view name, std::string_view labels = "") {
  return metrics::GetCounter(name, "", labels).value();
}

class ImageGeneratorTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNoonMs = 1'768'478'400'000;

  static std::unique_ptr<store::Store> OpenStore(const std::filesystem::path& folder,
                                                 Clock& clock) {
    store::StoreOptions options;
    options.directory = folder;
    options.segment_bytes = 16u << 20;
    options.retention_interval = std::chrono::milliseconds(0);
    return store::Store::Open(options, store::RealDisk(), clock).value();
  }
  ~ImageGeneratorTest() override { SyncWait(store_->Close()); }

  void Configure(std::string_view status = "ENABLED", std::string_view uri = "test:door") {
    ConfigureOne(info_, status, uri);
  }
  void ConfigureOne(const store::StreamInfo& info, std::string_view status, std::string_view uri) {
    Json config;
    config.Set("Status", status).Set("ImageSelectorType", "SERVER_TIMESTAMP");
    config.Set("SamplingInterval", 500).Set("Format", "PNG").Set("HeightPixels", 90);
    Json destination;
    destination.Set("Uri", uri);
    config.Set("DestinationConfig", std::move(destination));
    ASSERT_TRUE(SyncWait(aws::video::SaveAttachment(*store_, info, "images", config)).ok());
  }
  // Two seconds of film that begin now.
  void Record(Bytes tags = {}) { RecordOn(info_, std::move(tags)); }
  void RecordOn(const store::StreamInfo& info, Bytes tags = {}) {
    const playback::FilmFragment fragment = playback::AsFragment(film_);
    const fragmenter::TrackSet tracks{{film_.track}};
    const auto shard = store_->OpenShard(info.shard);
    store::NewItem item;
    item.slot = shard->OpenSlot().value();
    item.producer_time = ProducerTimeFromUs(ToMs(clock_.Now()) * 1000 - 1'000'000);
    item.duration = std::chrono::milliseconds(2000);
    item.track_set = fragmenter::EncodeMkvHeader(tracks);
    item.track_set_meta = fragmenter::EncodeTrackSet(tracks);
    item.body = fragment.cluster;
    item.body.Append(std::move(tags));
    item.meta = fragment.table.Encode();
    ASSERT_TRUE(SyncWait(shard->Append(std::move(item))).ok());
  }
  std::unique_ptr<ImageGenerator> Generator() {
    const OpenDestination open =
        [this](std::string_view uri) -> Result<std::shared_ptr<ImageDestination>> {
      if (uri == "test:door") return std::shared_ptr<ImageDestination>(destination_);
      if (uri == "test:yard") return std::shared_ptr<ImageDestination>(yard_);
      return Error(ErrorCode::kUnsupported, "no such place");
    };
    ImageGenerationOptions options;
    options.account = "000000000042";
    options.look_every = std::chrono::milliseconds(5);
    options.delivery.pause_first = options.delivery.pause_last = std::chrono::milliseconds(2);
    options.delivery.give_up = give_up_;
    options.delivery.retries_at_once = retries_at_once_;
    return std::make_unique<ImageGenerator>(*store_, images_, clock_, open, options);
  }
  DeliveryStatus StatusOf(const ImageGenerator& generator) {
    return generator.GetStatus(info_.shard).value().delivery;
  }
  void Look(ImageGenerator& generator) {
    SyncWait(generator.ReadConfigurations());
    SyncWait(generator.Look({}));
  }
  // When the images were shown, milliseconds since noon, as their names say.
  std::vector<int64_t> Times() const {
    std::vector<int64_t> out;
    for (const NewImage& image : destination_->images) {
      const size_t at = image.key.find("door_") + 5;
      out.push_back(std::stoll(image.key.substr(at)) - kNoonMs);
    }
    return out;
  }

  SimulatedClock clock_{ServerTimeFromMs(kNoonMs + 300)};
  penstock::testing::TempDir temp_;
  const playback::GrayFilm film_ = playback::MakeGrayFilm(
      temp_.path() / "film.mp4", "-c:v libx264 -preset ultrafast -threads 1");
  const std::unique_ptr<store::Store> store_ = OpenStore(temp_.path() / "data", clock_);
  const store::StreamInfo info_ =
      SyncWait(store_->CreateStream(StreamName::Parse("door").value(), 24)).value();
  playback::ImageService images_;
  std::shared_ptr<Collected> destination_ = std::make_shared<Collected>();
  std::shared_ptr<Collected> yard_ = std::make_shared<Collected>();
  std::chrono::milliseconds give_up_ = std::chrono::hours(1);
  size_t retries_at_once_ = 4;
};

TEST_F(ImageGeneratorTest, ImagesAreOfWholeMultiplesOfTheInterval) {
  Configure();
  Record();
  const auto generator = Generator();
  Look(*generator);
  EXPECT_THAT(Times(), ElementsAre(500, 1000, 1500, 2000));
  std::vector<Result<Bytes>> contents;
  for (const NewImage& image : destination_->images) contents.emplace_back(image.content);
  EXPECT_THAT(playback::PictureNumbers(temp_.path(), contents), ElementsAre(5, 17, 30, 42));
  const NewImage& first = destination_->images.front();
  EXPECT_EQ(playback::DescribeImage(temp_.path(), first.content), "png,160,90,rgb24");
  EXPECT_EQ(first.content_type, "image/png");
  EXPECT_THAT(first.key, HasSubstr("000000000042_door_"));
  EXPECT_EQ(first.metadata[1].second, std::to_string(kNoonMs + 500 - 1000));
  EXPECT_EQ(first.metadata[2].second, std::to_string(kNoonMs + 500));
  // Each once.
  Look(*generator);
  EXPECT_EQ(destination_->images.size(), 4u);
  clock_.Advance(std::chrono::milliseconds(2000));
  Record();
  Look(*generator);
  EXPECT_EQ(Times().back(), 4000);
  EXPECT_EQ(destination_->images.size(), 8u);
}

TEST_F(ImageGeneratorTest, AfterARestartImagesHaveTheirNamesAgainAndOldOnesDoNotComeBack) {
  Configure();
  Record();
  clock_.Advance(std::chrono::minutes(10));
  Record();
  Look(*Generator());
  const std::vector<NewImage> before = std::exchange(destination_->images, {});
  ASSERT_EQ(before.size(), 4u) << "of the newest half a minute";
  Look(*Generator());
  ASSERT_EQ(destination_->images.size(), 4u);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(destination_->images[i].key, before[i].key);
}

TEST_F(ImageGeneratorTest, WhatIsConfiguredWhileItRunsBeginsThen) {
  const auto generator = Generator();
  Look(*generator);
  Record();
  Configure();
  Look(*generator);
  EXPECT_TRUE(destination_->images.empty());
  clock_.Advance(std::chrono::milliseconds(2000));
  Record();
  Look(*generator);
  EXPECT_EQ(destination_->images.size(), 4u);
  Configure("DISABLED");
  clock_.Advance(std::chrono::milliseconds(2000));
  Record();
  Look(*generator);
  EXPECT_EQ(destination_->images.size(), 4u);
}

TEST_F(ImageGeneratorTest, WhoeverIsTooFarBehindLeavesImagesOutAndCountsThem) {
  Configure();
  const auto generator = Generator();
  Look(*generator);
  Record();
  clock_.Advance(std::chrono::minutes(2));
  Record();
  const uint64_t before = Counted("penstock_images_skipped_total", "reason=\"behind\"");
  Look(*generator);
  EXPECT_EQ(Counted("penstock_images_skipped_total", "reason=\"behind\"") - before, 4u);
  EXPECT_THAT(Times(), ElementsAre(120'500, 121'000, 121'500, 122'000));
}

TEST_F(ImageGeneratorTest, AnImageThatCannotBeDeliveredHoldsNobodyUp) {
  Configure();
  Record();
  destination_->failures = 4;
  give_up_ = std::chrono::milliseconds(0);
  const auto generator = Generator();
  const uint64_t before = Counted("penstock_images_skipped_total", "reason=\"undelivered\"");
  Look(*generator);
  EXPECT_EQ(Counted("penstock_images_skipped_total", "reason=\"undelivered\"") - before, 4u);
  clock_.Advance(std::chrono::milliseconds(2000));
  Record();
  Look(*generator);
  EXPECT_EQ(destination_->images.size(), 4u);
}

TEST_F(ImageGeneratorTest, AnImageThatFailedIsTriedAgainUntilItIsThere) {
  Configure();
  Record();
  destination_->failures = 3;
  const auto generator = Generator();
  const uint64_t before = Counted("penstock_image_delivery_failures_total", "reason=\"io\"");
  Look(*generator);
  EXPECT_THAT(Times(), ElementsAre(500, 1000, 1500, 2000));
  EXPECT_EQ(Counted("penstock_image_delivery_failures_total", "reason=\"io\"") - before, 3u);
  const DeliveryStatus status = StatusOf(*generator);
  EXPECT_EQ(status.delivered, 4u);
  EXPECT_EQ(status.undelivered, 0u);
  EXPECT_EQ(status.failed_tries, 0);
  EXPECT_FALSE(status.waiting_since);
  EXPECT_EQ(status.last_error, "disk full");
  EXPECT_EQ(status.last_error_time, clock_.Now());
}

TEST_F(ImageGeneratorTest, WhatWouldFailAgainIsNotTriedAgain) {
  Configure();
  Record();
  destination_->failures = 1;
  destination_->failure = ErrorCode::kForbidden;
  const auto generator = Generator();
  Look(*generator);
  EXPECT_THAT(Times(), ElementsAre(1000, 1500, 2000));
  EXPECT_EQ(StatusOf(*generator).undelivered, 1u);
}

TEST_F(ImageGeneratorTest, WhereTooManyAreTriedAgainOneMoreIsGivenUp) {
  Configure();
  Record();
  destination_->failures = 1;
  retries_at_once_ = 0;
  const auto generator = Generator();
  Look(*generator);
  EXPECT_THAT(Times(), ElementsAre(1000, 1500, 2000));
  EXPECT_EQ(StatusOf(*generator).undelivered, 1u);
}

TEST_F(ImageGeneratorTest, APlaceThatHangsHoldsUpItsOwnStreamAlone) {
  const store::StreamInfo yard =
      SyncWait(store_->CreateStream(StreamName::Parse("yard").value(), 24)).value();
  Configure();
  ConfigureOne(yard, "ENABLED", "test:yard");
  Record();
  RecordOn(yard);
  destination_->hangs = true;
  LoopExecutor loop;
  std::thread thread([&] { loop.Run(); });
  const auto generator = Generator();
  generator->Start(loop);
  for (std::optional<ImageStatus> status; !status || status->delivery.delivered < 4;
       status = generator->GetStatus(yard.shard))
    std::this_thread::yield();
  while (destination_->held == 0) std::this_thread::yield();
  EXPECT_EQ(yard_->count(), 4u);
  EXPECT_EQ(StatusOf(*generator).delivered, 0u);
  generator->Stop();
  EXPECT_EQ(StatusOf(*generator).undelivered, 1u);
  loop.Stop();
  thread.join();
}

TEST_F(ImageGeneratorTest, ATaggedFragmentHasAnImageOfItsBegin) {
  const auto element = [](std::initializer_list<uint8_t> id, std::string content) {
    return std::string(id.begin(), id.end()) + static_cast<char>(0x80 | content.size()) + content;
  };
  const auto simple = [&](std::string name, std::string value) {
    return element({0x67, 0xC8}, element({0x45, 0xA3}, name) + element({0x44, 0x87}, value));
  };
  const std::string tag = simple("AWS_KINESISVIDEO_IMAGE_GENERATION", "") + simple("site", "gate");
  const std::string tags = element({0x12, 0x54, 0xC3, 0x67}, element({0x73, 0x73}, tag));
  Configure();
  Record(Bytes::Copy(tags));
  Look(*Generator());
  EXPECT_THAT(Times(), ElementsAre(300, 500, 1000, 1500, 2000));
  const auto site = std::pair<std::string, std::string>("site", "gate");
  EXPECT_EQ(destination_->images[0].metadata.back(), site);
  EXPECT_NE(destination_->images[1].metadata.back(), site);
}

TEST_F(ImageGeneratorTest, WhatNobodyDeliversIsNotMade) {
  Configure("ENABLED", "s3://bucket/prefix");
  Record();
  const uint64_t made = Counted("penstock_images_made_total");
  Look(*Generator());
  EXPECT_EQ(Counted("penstock_images_made_total"), made);
}

TEST_F(ImageGeneratorTest, ItSaysWhyNothingIsDelivered) {
  Configure("ENABLED", "s3://bucket/prefix");
  const auto generator = Generator();
  EXPECT_FALSE(generator->GetStatus(info_.shard));
  Look(*generator);
  EXPECT_EQ(generator->GetStatus(info_.shard)->nowhere, "no such place");
  Configure("DISABLED");
  Look(*generator);
  EXPECT_FALSE(generator->GetStatus(info_.shard));
}

TEST_F(ImageGeneratorTest, ItRunsByItselfUntilItIsStopped) {
  LoopExecutor loop;
  std::thread thread([&] { loop.Run(); });
  Configure();
  const auto generator = Generator();
  generator->Start(loop);
  generator->Stop();
  generator->Stop();
  loop.Stop();
  thread.join();
}

}  // namespace
}  // namespace penstock::server::images
