// Images of streams that are configured to have some (UpdateImageGenerationConfiguration), made
// while they are recorded.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "playback/images/image_service.h"
#include "server/images/image_delivery.h"
#include "server/images/image_destination.h"
#include "server/images/image_request.h"
#include "server/images/image_schedule.h"
#include "store/store.h"

namespace penstock::server::images {

struct ImageGenerationOptions {
  std::string account;  // in names
  std::chrono::milliseconds look_every{1000};
  // When the newest fragment of a stream began so much later, those that are missing are left out.
  std::chrono::milliseconds behind_max{60'000};
  // What a start goes back before the newest fragment of each stream: what was recorded last before
  // the stop may have no images yet. Names are the same again.
  std::chrono::milliseconds resume{30'000};
  ImageDelivery::Options delivery;
};

// How one stream's images are.
struct ImageStatus {
  std::string nowhere;  // why nothing is delivered to where they should go; empty: it is
  DeliveryStatus delivery;
};

// One task for each stream, so that a place that is slow or away holds up its own stream's images
// alone. One fragment is decoded at a time, the streams take turns. Of a stream it remembers a
// place; nothing is queued but the images of one fragment. Store, images, clock, and what `open`
// uses outlive it. Start and Stop are called by one thread that is no executor's.
class ImageGenerator {
 public:
  ImageGenerator(store::Store& store, playback::ImageService& images, Clock& clock,
                 OpenDestination open, ImageGenerationOptions options);
  ~ImageGenerator();  // Requires Stop, if it was started.

  // On this executor from now on.
  void Start(Executor& home);
  // Gives up what is under way, but for the image that is being made. Blocks. Idempotent.
  void Stop();

  // Thread-safe. Nothing if no images are configured, or none were when it last looked.
  std::optional<ImageStatus> GetStatus(const ShardId& shard) const;

  // What Start does again and again; for tests. On one executor. What is configured when it is read
  // for the first time goes on where it was before the start, what comes later begins then.
  Task<void> ReadConfigurations();
  // Makes all images that are due, of one stream after the other.
  Task<void> Look(CancelToken token);

 private:
  // A stream whose images are wanted.
  struct Followed {
    explicit Followed(store::StreamInfo i) : info(std::move(i)) {}

    const store::StreamInfo info;
    uint64_t version = 0;  // of the configuration's entry
    playback::ImageForm form;
    playback::TimeAxis axis = playback::TimeAxis::kServer;
    std::optional<ImageSchedule> schedule;
    std::shared_ptr<ImageDestination> destination;  // null: nothing is delivered there
    std::string nowhere;                            // why not; empty if it is not wanted
    std::shared_ptr<store::Shard> shard;
    std::shared_ptr<DeliveryState> delivery;
    uint64_t next_ordinal = 0;
    bool running = false;  // its task
    CancelSource stop;     // when its configuration is another
  };
  using FollowedPtr = std::shared_ptr<Followed>;

  Task<void> Run();
  Task<void> StopTasks();
  // A stream by itself, until it is stopped.
  Task<void> RunOne(FollowedPtr stream);
  std::vector<FollowedPtr> AllFollowed() const;
  Task<void> Follow(store::StreamInfo info, store::CatalogEntry entry);
  Task<uint64_t> ResumeAt(std::shared_ptr<store::Shard> shard);
  // The next few fragments of a stream. False if there were none.
  Task<bool> Step(FollowedPtr stream, CancelToken token);
  Task<void> MakeImages(FollowedPtr stream, store::ItemRef item, CancelToken token);
  Task<Result<std::optional<ImageRequest>>> FindRequest(std::shared_ptr<store::Shard> shard,
                                                        store::ItemRef item);

  store::Store& store_;
  playback::ImageService& images_;
  const OpenDestination open_;
  const ImageGenerationOptions options_;
  metrics::Counter& behind_;
  metrics::Counter& busy_;
  metrics::Counter& no_picture_;

  Executor* home_ = nullptr;
  mutable std::mutex mutex_;  // of the map; what is in it is the home executor's
  std::map<ShardId, FollowedPtr> followed_;
  // On the home executor only.
  ImageDelivery delivery_;
  Gate making_{1};
  bool resumed_ = false;  // the configurations that were there at the start have been read
  TaskGroup tasks_;
};

}  // namespace penstock::server::images
