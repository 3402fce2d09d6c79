// Streams and signaling channels, by ARN.
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"NextToken", &kNextTokenShape},
    {"ResourceARN", &kStreamArnShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json tags = call.channel
                        ? call.channel->tags
                        : LoadTraits(services.store.catalog(), call.stream->info.shard).tags;
  PS_CO_TRY(const Json out, TagsAnswer(tags, call.input));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kListTagsForResource{"ListTagsForResource", "/ListTagsForResource",
                                               &kInput, Resource::kStreamOrChannel, Run};

}  // namespace penstock::server::aws::video
