// A signaling channel, usable as soon as the answer is there.
#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/resource_arn.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kSingleMasterType = "SINGLE_MASTER";
constexpr std::string_view kTypes[] = {kSingleMasterType, "FULL_MESH"};
constexpr Shape kType{.values = kTypes};
constexpr ErrorName kErrors[] = {
    {ErrorCode::kTooLarge, "TagsPerResourceExceededLimitException"},
    {ErrorCode::kThrottled, "AccountChannelLimitExceededException"},
};

constexpr Member kMembers[] = {
    {"ChannelName", &kStreamNameShape, true},
    {"ChannelType", &kType},
    {"SingleMasterConfiguration", &kSingleMasterShape},
    {"Tags", &kNewTagListShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json& input = call.input;
  if (input["ChannelType"].AsString(kSingleMasterType) != kSingleMasterType)
    co_return Error(ErrorCode::kInvalidArgument, "Channels of type SINGLE_MASTER are supported.");
  Channel channel{.name = *call.name, .created = services.clock.Now()};
  channel.version = NewChannelVersion();
  channel.message_ttl_seconds =
      input["SingleMasterConfiguration"]["MessageTtlSeconds"].AsInt(channel.message_ttl_seconds);
  PS_CO_TRY(channel.tags, AddTags(Json(), TagsOfList(input["Tags"])));
  const ResourceArn arn{ResourceKind::kChannel, channel.name, channel.created};
  PS_CO_TRY_VOID(co_await CreateChannel(services.store.catalog(), std::move(channel)));
  Json out;
  out.Set("ChannelARN", FormatResourceArn(services.aws, arn));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kCreateSignalingChannel{"CreateSignalingChannel",
                                                  "/createSignalingChannel",
                                                  &kInput,
                                                  Resource::kNewChannel,
                                                  Run,
                                                  kErrors};

}  // namespace penstock::server::aws::video
