// Into which stream what is sent over a channel is stored.
#include <fmt/format.h>

#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/configurations.h"
#include "server/operations/video/media_storage.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/resource.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kConfigurationMembers[] = {
    {"StreamARN", &kStreamArnShape},
    {"Status", &kStatusShape, true},
};
constexpr Shape kConfiguration{.kind = Kind::kStructure, .members = kConfigurationMembers};

constexpr Member kMembers[] = {
    {"ChannelARN", &kStreamArnShape, true},
    {"MediaStorageConfiguration", &kConfiguration, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json& wanted = call.input["MediaStorageConfiguration"];
  MediaStorage storage;
  storage.enabled = wanted["Status"].AsString() == kEnabled;
  if (const std::string_view arn = wanted["StreamARN"].AsString(); !arn.empty()) {
    PS_CO_TRY(const OpenStream stream, FindStreamOf(services, arn));
    if (!call.caller.MayDo("kinesisvideo:UpdateMediaStorageConfiguration", stream.info.name)) {
      co_return Error(ErrorCode::kForbidden,
                      fmt::format("User: {} is not authorized to perform: "
                                  "kinesisvideo:UpdateMediaStorageConfiguration on resource: {}",
                                  call.caller.name, arn));
    }
    if (storage.enabled) PS_CO_TRY_VOID(CheckStores(stream.info));
    storage.stream = stream.info;
  } else if (storage.enabled) {
    co_return Error(ErrorCode::kInvalidArgument, "To store media, StreamARN has to be there.");
  }
  PS_CO_TRY_VOID(co_await SetMediaStorage(services, *call.channel, std::move(storage)));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateMediaStorageConfiguration{"UpdateMediaStorageConfiguration",
                                                           "/updateMediaStorageConfiguration",
                                                           &kInput,
                                                           Resource::kChannel,
                                                           Run,
                                                           kStoresNothingErrors};

}  // namespace penstock::server::aws::video
