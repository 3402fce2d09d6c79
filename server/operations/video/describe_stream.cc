#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  Json out;
  out.Set("StreamInfo", DescribeInfo(services, call.stream->info));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kDescribeStream{"DescribeStream", "/describeStream", &kInput,
                                          Resource::kStream, Run};

}  // namespace penstock::server::aws::video
