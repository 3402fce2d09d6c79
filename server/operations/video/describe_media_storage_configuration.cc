#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/configurations.h"
#include "server/operations/video/media_storage.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws::video {
namespace {

Task<Outcome> Run(Services& services, Call call) {
  const bool stores = StorageOf(services, *call.channel).has_value();
  Json storage;
  storage.Set("Status", stores ? kEnabled : kDisabled);
  storage.Set("StreamARN", StorageArn(services, *call.channel));
  Json out;
  out.Set("MediaStorageConfiguration", std::move(storage));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kDescribeMediaStorageConfiguration{
    "DescribeMediaStorageConfiguration", "/describeMediaStorageConfiguration", &kChannelShape,
    Resource::kChannel, Run};

}  // namespace penstock::server::aws::video
