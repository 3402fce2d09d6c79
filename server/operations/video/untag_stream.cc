#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamARN", &kStreamArnShape},
    {"StreamName", &kStreamNameShape},
    {"TagKeyList", &kTagKeysShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json keys = call.input["TagKeyList"];
  const TraitsChange change = [&keys](StreamTraits& traits) -> Status {
    traits.tags = RemoveTags(traits.tags, keys);
    return Status();
  };
  PS_CO_TRY_VOID(co_await ChangeTraits(services.store, call.stream->info, change));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUntagStream{"UntagStream", "/untagStream", &kInput, Resource::kStream,
                                       Run};

}  // namespace penstock::server::aws::video
