// The device and media type of a stream; what is left out stays.
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},        {"StreamARN", &kStreamArnShape},
    {"CurrentVersion", &kVersionShape, true}, {"DeviceName", &kDeviceNameShape},
    {"MediaType", &kMediaTypeShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const TraitsChange change = [&call](StreamTraits& traits) -> Status {
    PS_TRY_VOID(CheckVersion(call.input, call.stream->info, traits));
    traits.device_name = call.input["DeviceName"].AsString(traits.device_name);
    traits.media_type = call.input["MediaType"].AsString(traits.media_type);
    ++traits.revision;
    return Status();
  };
  PS_CO_TRY_VOID(co_await ChangeTraits(services.store, call.stream->info, change));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateStream{"UpdateStream", "/updateStream", &kInput, Resource::kStream,
                                        Run};

}  // namespace penstock::server::aws::video
