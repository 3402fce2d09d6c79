#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"NextToken", &kNextTokenShape},
    {"StreamARN", &kStreamArnShape},
    {"StreamName", &kStreamNameShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const ShardId& shard = call.stream->info.shard;
  PS_CO_TRY(const Json out,
            TagsAnswer(LoadTraits(services.store.catalog(), shard).tags, call.input));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kListTagsForStream{"ListTagsForStream", "/listTagsForStream", &kInput,
                                             Resource::kStream, Run};

}  // namespace penstock::server::aws::video
