// Channels by name, page by page, like streams.
#include "server/operations/page_token.h"
#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws::video {
namespace {

constexpr int64_t kPageUsual = 500;
constexpr std::string_view kTokenKind = "channels";

constexpr Member kMembers[] = {
    {"MaxResults", &kNamePageShape},
    {"NextToken", &kNextTokenShape},
    {"ChannelNameCondition", &kNameConditionShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const size_t limit = static_cast<size_t>(call.input["MaxResults"].AsInt(kPageUsual));
  const std::string_view prefix = call.input["ChannelNameCondition"]["ComparisonValue"].AsString();
  std::string after;
  if (const std::string_view token = call.input["NextToken"].AsString(); !token.empty()) {
    PS_CO_TRY(const std::vector<std::string> fields, ReadPageToken(token, kTokenKind, 1));
    after = fields[0];
  }
  Json list = Json(Json::Array());
  Json next;
  std::string last;
  // A key may see a few of many: as many looks as it takes to fill the page.
  for (bool more = true; more;) {
    const std::vector<Channel> batch =
        ListChannels(services.store.catalog(), prefix, after, limit + 1);
    more = batch.size() > limit;
    for (const Channel& channel : batch) {
      after = channel.name.text();
      if (!call.caller.MayDo("kinesisvideo:ListSignalingChannels", channel.name)) continue;
      if (list.array().size() == limit) {
        next = MakePageToken(kTokenKind, std::vector<std::string>{last});
        more = false;
        break;
      }
      list.Push(DescribeChannel(services.aws, channel));
      last = channel.name.text();
    }
  }
  Json out;
  out.Set("ChannelInfoList", std::move(list));
  out.Set("NextToken", std::move(next));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kListSignalingChannels{"ListSignalingChannels", "/listSignalingChannels",
                                                 &kInput, Resource::kNone, Run};

}  // namespace penstock::server::aws::video
