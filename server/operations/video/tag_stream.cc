#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamARN", &kStreamArnShape},
    {"StreamName", &kStreamNameShape},
    {"Tags", &kTagMapShape, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json more = call.input["Tags"];
  const TraitsChange change = [&more](StreamTraits& traits) -> Status {
    PS_TRY(traits.tags, AddTags(std::move(traits.tags), more));
    return Status();
  };
  PS_CO_TRY_VOID(co_await ChangeTraits(services.store, call.stream->info, change));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kTagStream{"TagStream",       "/tagStream", &kInput,
                                     Resource::kStream, Run,          kTagErrors};

}  // namespace penstock::server::aws::video
