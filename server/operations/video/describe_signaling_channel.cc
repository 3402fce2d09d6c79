#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws::video {
namespace {

Task<Outcome> Run(Services& services, Call call) {
  Json out;
  out.Set("ChannelInfo", DescribeChannel(services.aws, *call.channel));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kDescribeSignalingChannel{"DescribeSignalingChannel",
                                                    "/describeSignalingChannel", &kChannelShape,
                                                    Resource::kChannel, Run};

}  // namespace penstock::server::aws::video
