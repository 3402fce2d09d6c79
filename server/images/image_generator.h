// Images of streams that are configured to have some (UpdateImageGenerationConfiguration), made
// while they are recorded.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "playback/images/image_service.h"
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
};

// One task for all streams: it goes from one to the next, and one fragment is decoded at a time.
// Of a stream it remembers a place; nothing is queued. Store, images, and what `open` uses outlive
// it. Start and Stop are called by one thread that is no executor's.
class ImageGenerator {
 public:
  ImageGenerator(store::Store& store, playback::ImageService& images, OpenDestination open,
                 ImageGenerationOptions options);
  ~ImageGenerator();  // Requires Stop, if it was started.

  // On this executor from now on.
  void Start(Executor& home);
  // Blocks until the image that is being made is done. Idempotent.
  void Stop();

  // What Start does again and again; for tests. On one executor. What is configured when it is read
  // for the first time goes on where it was before the start, what comes later begins then.
  Task<void> ReadConfigurations();
  // Makes all images that are due.
  Task<void> Look(CancelToken token);

 private:
  // A stream whose images are wanted.
  struct Followed {
    store::StreamInfo info;
    uint64_t version = 0;  // of the configuration's entry
    playback::ImageForm form;
    playback::TimeAxis axis = playback::TimeAxis::kServer;
    std::optional<ImageSchedule> schedule;
    std::shared_ptr<ImageDestination> destination;  // null: nothing is delivered there
    std::shared_ptr<store::Shard> shard;
    uint64_t next_ordinal = 0;
    bool failing = false;  // the last image could not be delivered; said once
  };

  Task<void> Run();
  Task<void> StopTasks();
  Task<void> Follow(store::StreamInfo info, store::CatalogEntry entry);
  Task<uint64_t> ResumeAt(std::shared_ptr<store::Shard> shard);
  // The next few fragments of a stream. False if there were none.
  Task<bool> Step(Followed& stream, CancelToken token);
  Task<void> MakeImages(Followed& stream, store::ItemRef item);
  Task<Result<std::optional<ImageRequest>>> FindRequest(std::shared_ptr<store::Shard> shard,
                                                        store::ItemRef item);
  Task<void> Deliver(Followed& stream, NewImage image);

  store::Store& store_;
  playback::ImageService& images_;
  const OpenDestination open_;
  const ImageGenerationOptions options_;
  metrics::Counter& written_;
  metrics::Counter& behind_;
  metrics::Counter& busy_;
  metrics::Counter& no_picture_;
  metrics::Counter& undelivered_;

  Executor* home_ = nullptr;
  // On the home executor only.
  std::map<ShardId, Followed> followed_;
  bool resumed_ = false;  // the configurations that were there at the start have been read
  TaskGroup tasks_;
};

}  // namespace penstock::server::images
