#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/media_storage.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"ChannelARN", &kStreamArnShape, true},
    {"CurrentVersion", &kVersionShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const std::string version(call.input["CurrentVersion"].AsString());
  PS_CO_TRY_VOID(co_await DeleteChannel(services, *call.channel, version));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kDeleteSignalingChannel{
    "DeleteSignalingChannel", "/deleteSignalingChannel", &kInput, Resource::kChannel, Run};

}  // namespace penstock::server::aws::video
