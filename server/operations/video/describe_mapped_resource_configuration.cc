// The channel whose media is stored in a stream. There is at most one, so there are no pages.
#include "server/operations/video/media_storage.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/resource_arn.h"
#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {
namespace {

constexpr Shape kLimit{.kind = Kind::kInteger, .min = 1, .max = 1};

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"MaxResults", &kLimit},
    {"NextToken", &kNextTokenShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  if (!call.input["NextToken"].AsString().empty())
    co_return Error(ErrorCode::kInvalidArgument, "NextToken is not one of this list.");
  Json list = Json(Json::Array());
  if (const auto channel = ChannelOf(services, call.stream->info)) {
    const ResourceArn arn{ResourceKind::kChannel, channel->name, channel->created};
    Json item;
    item.Set("Type", "CHANNEL");
    item.Set("ARN", FormatResourceArn(services.aws, arn));
    list.Push(std::move(item));
  }
  Json out;
  out.Set("MappedResourceConfigurationList", std::move(list));
  out.Set("NextToken", Json());
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kDescribeMappedResourceConfiguration{
    "DescribeMappedResourceConfiguration", "/describeMappedResourceConfiguration", &kInput,
    Resource::kStream, Run};

}  // namespace penstock::server::aws::video
