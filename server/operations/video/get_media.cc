// A stream's media from a place on, and what comes as it comes.
#include "base/log.h"
#include "server/operations/video/media_sender.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/wire/timestamp.h"

namespace penstock::server::aws::video {
namespace {

// Items that a reader looks at in advance, headers only.
constexpr size_t kPage = 16;

constexpr std::string_view kTypes[] = {"FRAGMENT_NUMBER",    "SERVER_TIMESTAMP",
                                       "PRODUCER_TIMESTAMP", "NOW",
                                       "EARLIEST",           "CONTINUATION_TOKEN"};
constexpr Shape kType{.values = kTypes};
constexpr Shape kTokenShape{.min = 1, .max = 128, .pattern = &wire::kName};
constexpr Member kSelectorMembers[] = {
    {"StartSelectorType", &kType, true},
    {"AfterFragmentNumber", &kFragmentNumberShape},
    {"StartTimestamp", &kTimestampShape},
    {"ContinuationToken", &kTokenShape},
};
constexpr Shape kSelector{.kind = Kind::kStructure, .members = kSelectorMembers};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"StartSelector", &kSelector, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

constexpr ErrorName kErrors[] = {
    {ErrorCode::kThrottled, "ConnectionLimitExceededException"},
};

Result<store::Selector> AfterNumber(const Json& selector, std::string_view member) {
  const Json& text = selector[member];
  if (text.is_null()) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(member) + " has to be there for this StartSelectorType.");
  }
  const auto number = FragmentNumber::Parse(text.AsString());
  if (!number.ok())
    return Error(ErrorCode::kInvalidArgument, std::string(member) + " is no fragment number.");
  return store::Selector(store::AfterNumber{number->index});
}

Result<store::Selector> StartOf(const Json& selector, const store::Shard& shard) {
  const std::string_view type = selector["StartSelectorType"].AsString();
  if (type == "EARLIEST") return store::Selector(store::FromOldest());
  if (type == "FRAGMENT_NUMBER") return AfterNumber(selector, "AfterFragmentNumber");
  if (type == "CONTINUATION_TOKEN") return AfterNumber(selector, "ContinuationToken");
  if (type == "NOW") {
    // The newest one whole, then what follows: a picture at once, and none is missed.
    const store::ShardStatus status = shard.GetStatus();
    if (!status.newest) return store::Selector(store::FromLatest());
    return store::Selector(store::FromOrdinal{status.newest->ordinal});
  }
  if (selector["StartTimestamp"].is_null()) {
    return Error(ErrorCode::kInvalidArgument,
                 "StartTimestamp has to be there for this StartSelectorType.");
  }
  PS_TRY(const int64_t us, wire::ParseTimestamp(selector["StartTimestamp"]));
  if (type == "PRODUCER_TIMESTAMP")
    return store::Selector(store::FromProducerTime{ProducerTimeFromUs(us)});
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds(us));
  return store::Selector(store::FromServerTime{ServerTime(ms)});
}

// The tail's next items; none if nothing came for `idle`. On an executor.
Task<Result<std::vector<store::ItemRef>>> NextWithin(store::Tail& tail,
                                                     std::chrono::milliseconds idle,
                                                     CancelToken closed) {
  CancelSource stop;
  bool late = false;
  Executor& executor = *Executor::Current();
  const auto left = closed.OnCancel([&stop] { stop.Cancel(); });
  const Executor::TimerId timer = executor.StartTimer(executor.SteadyNow() + idle, [&] {
    late = true;
    stop.Cancel();
  });
  auto items = co_await tail.Next(kPage, stop.token());
  executor.StopTimer(timer);
  if (!items.ok() && items.error().code() == ErrorCode::kCancelled && late)
    co_return std::vector<store::ItemRef>();
  co_return items;
}

struct Reading {
  std::shared_ptr<store::Shard> shard;
  store::Selector from;
  std::chrono::milliseconds idle;
  const Clock* clock;
  MediaReaders::Seat seat;
};

Task<Status> SendFrom(Reading reading, std::shared_ptr<net::BodyWriter> out) {
  const CancelToken closed = out->closed();
  MediaSender sender(reading.shard, std::move(out), reading.clock);
  auto tail = reading.shard->MakeTail(reading.from);
  while (true) {
    auto items = co_await NextWithin(*tail, reading.idle, closed);
    if (!items.ok()) {
      const ErrorCode code = items.error().code();
      // The stream was deleted, or the server stops: the payload ends in order.
      if (code == ErrorCode::kClosed) co_return Status();
      if (code != ErrorCode::kTrimmed) co_return std::move(items).error();
      // Slower than retention: on with the oldest that is left, but for what is held and was sent.
      tail = reading.shard->MakeTail(store::FromOrdinal{reading.shard->GetStatus().oldest_ordinal});
      continue;
    }
    if (items->empty()) co_return Status();
    for (store::ItemRef& item : *items) {
      if (item.header.kind != store::ItemKind::kFragment) continue;
      // What cannot be read is left out: a payload that ended here would end here again at every
      // new try.
      PS_CO_TRY_VOID(co_await sender.Send(std::move(item)));
    }
  }
}

Task<Outcome> Run(Services& services, Call call) {
  Reading reading;
  reading.shard = call.stream->shard;
  reading.idle = services.aws.media_idle;
  reading.clock = &services.clock;
  PS_CO_TRY(reading.from, StartOf(call.input["StartSelector"], *reading.shard));
  reading.seat =
      services.aws.media_readers.Take(reading.shard->id(), services.aws.media_readers_max);
  if (reading.seat == nullptr)
    co_return Error(ErrorCode::kThrottled, "Too many are reading this stream by GetMedia.");
  net::HttpResponse response;
  response.headers.Set("Content-Type", "video/webm");
  response.stream = [reading = std::move(reading)](std::shared_ptr<net::BodyWriter> out) {
    return SendFrom(reading, std::move(out));
  };
  co_return response;
}

}  // namespace

constinit const Operation kGetMedia{"GetMedia",        "/getMedia", &kInput,
                                    Resource::kStream, Run,         kErrors};

}  // namespace penstock::server::aws::video
