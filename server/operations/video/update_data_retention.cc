// Longer or shorter by so many hours.
#include "base/limits.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kIncrease = "INCREASE_DATA_RETENTION";
constexpr std::string_view kDirections[] = {kIncrease, "DECREASE_DATA_RETENTION"};
constexpr Shape kDirection{.values = kDirections};
constexpr Shape kHours{.kind = Kind::kInteger, .min = 1};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"CurrentVersion", &kVersionShape, true},
    {"Operation", &kDirection, true},
    {"DataRetentionChangeInHours", &kHours, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo& info = call.stream->info;
  const StreamTraits traits = LoadTraits(services.store.catalog(), info.shard);
  PS_CO_TRY_VOID(CheckVersion(call.input, info, traits));
  constexpr int64_t kMost = limits::kRetentionHoursMax;
  const bool longer = call.input["Operation"].AsString() == kIncrease;
  const int64_t change = std::min(call.input["DataRetentionChangeInHours"].AsInt(), kMost + 1);
  const int64_t hours = int64_t{info.retention_hours} + (longer ? change : -change);
  if (hours < 0 || hours > kMost) {
    co_return Error(ErrorCode::kInvalidArgument,
                    "The data retention would not lie between 0 and 87600 hours.");
  }
  store::StreamChange to;
  to.retention_hours = static_cast<uint32_t>(hours);
  PS_CO_TRY_VOID(co_await services.store.ChangeStream(info.name, to, info.version));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateDataRetention{"UpdateDataRetention", "/updateDataRetention",
                                               &kInput, Resource::kStream, Run};

}  // namespace penstock::server::aws::video
