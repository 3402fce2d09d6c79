// Streams and signaling channels, by ARN.
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"ResourceARN", &kStreamArnShape, true},
    {"TagKeyList", &kTagKeysShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json keys = call.input["TagKeyList"];
  if (call.channel) {
    const ChannelChange change = [&keys](Channel& channel) -> Status {
      channel.tags = RemoveTags(channel.tags, keys);
      return Status();
    };
    PS_CO_TRY_VOID(co_await ChangeChannel(services.store.catalog(), *call.channel, change));
  } else {
    const TraitsChange change = [&keys](StreamTraits& traits) -> Status {
      traits.tags = RemoveTags(traits.tags, keys);
      return Status();
    };
    PS_CO_TRY_VOID(co_await ChangeTraits(services.store, call.stream->info, change));
  }
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUntagResource{"UntagResource", "/UntagResource", &kInput,
                                         Resource::kStreamOrChannel, Run};

}  // namespace penstock::server::aws::video
