#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"ChannelARN", &kStreamArnShape, true},
    {"CurrentVersion", &kVersionShape, true},
    {"SingleMasterConfiguration", &kSingleMasterShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const ChannelChange change = [&call](Channel& channel) -> Status {
    if (call.input["CurrentVersion"].AsString() != channel.version)
      return Error(ErrorCode::kConflict, "The channel has another version by now.");
    channel.message_ttl_seconds =
        call.input["SingleMasterConfiguration"]["MessageTtlSeconds"].AsInt(
            channel.message_ttl_seconds);
    channel.version = NewChannelVersion();
    return Status();
  };
  PS_CO_TRY_VOID(co_await ChangeChannel(services.store.catalog(), *call.channel, change));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateSignalingChannel{
    "UpdateSignalingChannel", "/updateSignalingChannel", &kInput, Resource::kChannel, Run};

}  // namespace penstock::server::aws::video
