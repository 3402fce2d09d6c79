#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_arn.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo& info = call.stream->info;
  const std::string tier = LoadTraits(services.store.catalog(), info.shard).storage_tier;
  Json storage;
  storage.Set("DefaultStorageTier", tier.empty() ? "HOT" : tier);
  Json out;
  out.Set("StreamARN", FormatStreamArn(services.aws, StreamArn{info.name, info.created}));
  out.Set("StreamName", info.name.text());
  out.Set("StreamStorageConfiguration", std::move(storage));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kDescribeStreamStorageConfiguration{
    "DescribeStreamStorageConfiguration", "/describeStreamStorageConfiguration", &kStreamShape,
    Resource::kStream, Run};

}  // namespace penstock::server::aws::video
