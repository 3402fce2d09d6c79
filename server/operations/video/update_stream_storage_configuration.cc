// Kept and shown; where bytes lie does not depend on it.
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"CurrentVersion", &kVersionShape, true},
    {"StreamStorageConfiguration", &kStorageShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const TraitsChange change = [&call](StreamTraits& traits) -> Status {
    PS_TRY_VOID(CheckVersion(call.input, call.stream->info, traits));
    traits.storage_tier = call.input["StreamStorageConfiguration"]["DefaultStorageTier"].AsString();
    ++traits.revision;
    return Status();
  };
  PS_CO_TRY_VOID(co_await ChangeTraits(services.store, call.stream->info, change));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateStreamStorageConfiguration{"UpdateStreamStorageConfiguration",
                                                            "/updateStreamStorageConfiguration",
                                                            &kInput, Resource::kStream, Run};

}  // namespace penstock::server::aws::video
