// Images on their way to where they go: tried again for a while, and nobody waits for another
// stream's.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "base/outgoing_limits.h"
#include "server/images/image_destination.h"
#include "server/outgoing/gate.h"

namespace penstock::server::images {

// How the delivery of one stream's images is, since the start of the server.
struct DeliveryStatus {
  uint64_t delivered = 0;
  uint64_t undelivered = 0;                 // given up
  std::optional<ServerTime> waiting_since;  // since when one is tried again
  int failed_tries = 0;                     // of that one
  std::string last_error;                   // for people; empty: none so far
  std::optional<ServerTime> last_error_time;
};

// One stream's. Its own executor's thread only, but for `Status`.
class DeliveryState {
 public:
  explicit DeliveryState(std::string stream) : stream_(std::move(stream)) {}
  // Thread-safe.
  DeliveryStatus Status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  friend class ImageDelivery;
  const std::string stream_;  // for the log
  bool failing_ = false;      // the last try failed; said once
  mutable std::mutex mutex_;
  DeliveryStatus status_;
};

// What all streams share. Of each stream the images of one fragment are in memory at most; of those
// whose images pass, and of those whose images are tried again, so many at a time, so that places
// that are away leave room for those that are there. One executor's thread only.
class ImageDelivery {
 public:
  struct Options {
    std::chrono::milliseconds give_up = limits::kImageGiveUp;
    std::chrono::milliseconds pause_first = limits::kImagePauseFirst;
    std::chrono::milliseconds pause_last = limits::kImagePauseLast;
    size_t at_once = limits::kImagesAtOnceMax;
    size_t retries_at_once = limits::kImageRetriesAtOnceMax;
  };
  // `clock` outlives it.
  ImageDelivery(Clock& clock, Options options);

  // Who has one may hold the images of one fragment.
  struct Place {
    Gate::Seat seat;
    bool retries = false;  // among those whose images are tried again
  };
  // Waits for a turn: among those that fail if the stream's last image did.
  Task<Place> Enter(DeliveryState& stream);
  // Until it is there, or is given up: after `give_up`, at once where another try would fail as
  // well or too many streams' images are being tried again, or when the token is cancelled. `place`
  // and `stream` outlive it, and so does `destination`.
  Task<void> Deliver(DeliveryState& stream, ImageDestination& destination, NewImage image,
                     Place& place, CancelToken token);

 private:
  void NoteDelivered(DeliveryState& stream);
  void NoteFailure(DeliveryState& stream, const Error& error);
  void NoteGivenUp(DeliveryState& stream);
  // Of the image that was tried again, if any. Under the stream's lock.
  void EndTries(DeliveryStatus& status);

  Clock& clock_;
  const Options options_;
  Gate turns_;
  Gate retries_;
  metrics::Counter& delivered_;
  metrics::Counter& undelivered_;
  metrics::Gauge& waiting_;
};

}  // namespace penstock::server::images
