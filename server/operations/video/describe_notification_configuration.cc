#include "server/operations/video/configurations.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

Task<Outcome> Run(Services& services, Call call) {
  Json out;
  out.Set("NotificationConfiguration",
          LoadAttachment(services.store.catalog(), call.stream->info.shard, kNotificationKind));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kDescribeNotificationConfiguration{"DescribeNotificationConfiguration",
                                                             "/describeNotificationConfiguration",
                                                             &kStreamShape, Resource::kStream, Run};

}  // namespace penstock::server::aws::video
