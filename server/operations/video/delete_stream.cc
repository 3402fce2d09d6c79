#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamARN", &kStreamArnShape, true},
    {"CurrentVersion", &kVersionShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo& info = call.stream->info;
  const StreamTraits traits = LoadTraits(services.store.catalog(), info.shard);
  PS_CO_TRY_VOID(CheckVersion(call.input, info, traits));
  // Not a conflict: whoever is told so asks for the version and tries again.
  if (!services.store.ListHolds(info.name).empty())
    co_return Error(ErrorCode::kAlreadyExists, "The stream has holds: release them first.");
  PS_CO_TRY_VOID(co_await services.store.DeleteStream(info.name));
  PS_CO_TRY_VOID(co_await ForgetTraits(services.store.catalog(), info.shard));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kDeleteStream{"DeleteStream", "/deleteStream", &kInput, Resource::kStream,
                                        Run};

}  // namespace penstock::server::aws::video
