#include "server/images/image_delivery.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "server/images/image_metrics.h"
#include "server/outgoing/pauses.h"

namespace penstock::server::images {
namespace {

bool MayPass(ErrorCode code) {
  return code != ErrorCode::kInvalidArgument && code != ErrorCode::kForbidden &&
         code != ErrorCode::kNotFound;
}

// "unavailable", "timeout".
std::string ReasonOf(ErrorCode code) {
  std::string name(ErrorCodeName(code));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

metrics::Counter& Failures(ErrorCode code) {
  return metrics::GetCounter("penstock_image_delivery_failures_total",
                             "Tries to deliver images that failed",
                             fmt::format("reason=\"{}\"", ReasonOf(code)));
}

}  // namespace

ImageDelivery::ImageDelivery(Clock& clock, Options options)
    : clock_(clock),
      options_(options),
      turns_(options.at_once),
      retries_(options.retries_at_once),
      delivered_(metrics::GetCounter("penstock_images_delivered_total",
                                     "Images of image generation that were delivered")),
      undelivered_(SkippedImages("undelivered")),
      waiting_(metrics::GetGauge("penstock_images_waiting",
                                 "Images that could not be delivered and are tried again")) {
  // There as 0 before it first happens.
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kTimeout}) Failures(code);
}

Task<ImageDelivery::Place> ImageDelivery::Enter(DeliveryState& stream) {
  Place place;
  place.retries = stream.failing_;
  Gate& gate = place.retries ? retries_ : turns_;
  place.seat = co_await gate.Enter();
  co_return place;
}

Task<void> ImageDelivery::Deliver(DeliveryState& stream, ImageDestination& destination,
                                  NewImage image, Place& place, CancelToken token) {
  const SteadyTime end = Executor::Current()->SteadyNow() + options_.give_up;
  Pauses pauses(options_.pause_first, options_.pause_last, RandomU64());
  for (;;) {
    const Status put = co_await destination.Put(image, token);
    if (put.ok()) {
      NoteDelivered(stream);
      co_return;
    }
    if (token.cancelled()) break;
    NoteFailure(stream, put.error());
    bool again = MayPass(put.error().code()) && Executor::Current()->SteadyNow() < end;
    if (again && !place.retries) {
      std::optional<Gate::Seat> seat = retries_.TryEnter();
      again = place.retries = seat.has_value();
      if (seat) place.seat = std::move(*seat);
    }
    if (!again) {
      NoteGivenUp(stream);
      co_return;
    }
    const Status slept = co_await Sleep(pauses.Next(), token);
    if (!slept.ok()) break;
  }
  NoteGivenUp(stream);
}

void ImageDelivery::NoteDelivered(DeliveryState& stream) {
  delivered_.Add();
  {
    const std::lock_guard lock(stream.mutex_);
    ++stream.status_.delivered;
    EndTries(stream.status_);
  }
  if (!std::exchange(stream.failing_, false)) return;
  log::Write(log::kInfo, "images are delivered again", {{"stream", stream.stream_}});
}

void ImageDelivery::NoteFailure(DeliveryState& stream, const Error& error) {
  Failures(error.code()).Add();
  {
    const std::lock_guard lock(stream.mutex_);
    DeliveryStatus& status = stream.status_;
    if (!status.waiting_since) {
      status.waiting_since = clock_.Now();
      waiting_.Add(1);
    }
    ++status.failed_tries;
    status.last_error = error.message();
    status.last_error_time = clock_.Now();
  }
  // Once each way: a full disk or a bucket that is away fails every image.
  if (std::exchange(stream.failing_, true)) return;
  log::Write(log::kWarning, "images cannot be delivered",
             {{"stream", stream.stream_}, {"error", error.ToString()}});
}

void ImageDelivery::NoteGivenUp(DeliveryState& stream) {
  undelivered_.Add();
  const std::lock_guard lock(stream.mutex_);
  ++stream.status_.undelivered;
  EndTries(stream.status_);
}

void ImageDelivery::EndTries(DeliveryStatus& status) {
  if (status.waiting_since) waiting_.Add(-1);
  status.waiting_since.reset();
  status.failed_tries = 0;
}

}  // namespace penstock::server::images
