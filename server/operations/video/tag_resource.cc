// Streams and signaling channels, by ARN.
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"ResourceARN", &kStreamArnShape, true},
    {"Tags", &kTagListShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json more = TagsOfList(call.input["Tags"]);
  if (call.channel) {
    const ChannelChange change = [&more](Channel& channel) -> Status {
      PS_TRY(channel.tags, AddTags(std::move(channel.tags), more));
      return Status();
    };
    PS_CO_TRY_VOID(co_await ChangeChannel(services.store.catalog(), *call.channel, change));
  } else {
    const TraitsChange change = [&more](StreamTraits& traits) -> Status {
      PS_TRY(traits.tags, AddTags(std::move(traits.tags), more));
      return Status();
    };
    PS_CO_TRY_VOID(co_await ChangeTraits(services.store, call.stream->info, change));
  }
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kTagResource{
    "TagResource", "/TagResource", &kInput, Resource::kStreamOrChannel, Run, kTagErrors};

}  // namespace penstock::server::aws::video
