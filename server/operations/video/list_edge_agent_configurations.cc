// Of the streams of one agent, by name, page by page.
#include "server/operations/page_token.h"
#include "server/operations/video/edge.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr int64_t kPageUsual = 5;
constexpr std::string_view kTokenKind = "edge";

constexpr Shape kLimit{.kind = Kind::kInteger, .min = 1, .max = 10};

constexpr Member kMembers[] = {
    {"HubDeviceArn", &kHubArnShape, true},
    {"MaxResults", &kLimit},
    {"NextToken", &kNextTokenShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const size_t limit = static_cast<size_t>(call.input["MaxResults"].AsInt(kPageUsual));
  const std::string_view hub = call.input["HubDeviceArn"].AsString();
  std::string after;
  if (const std::string_view token = call.input["NextToken"].AsString(); !token.empty()) {
    PS_CO_TRY(const std::vector<std::string> fields, ReadPageToken(token, kTokenKind, 1));
    after = fields[0];
  }
  Json list = Json(Json::Array());
  Json next;
  std::string last;
  for (const store::StreamInfo& info : services.store.ListStreams()) {
    const std::string& name = info.name.text();
    if (!after.empty() && name <= after) continue;
    if (!call.caller.MayDo("kinesisvideo:ListEdgeAgentConfigurations", info.name)) continue;
    const auto record = LoadEdge(services, info.shard);
    if (!record || record->config["HubDeviceArn"].AsString() != hub) continue;
    if (list.array().size() == limit) {
      next = MakePageToken(kTokenKind, std::vector<std::string>{last});
      break;
    }
    list.Push(DescribeEdge(services, info, *record));
    last = name;
  }
  Json out;
  out.Set("EdgeConfigs", std::move(list));
  out.Set("NextToken", std::move(next));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kListEdgeAgentConfigurations{
    "ListEdgeAgentConfigurations", "/listEdgeAgentConfigurations", &kInput, Resource::kNone, Run};

}  // namespace penstock::server::aws::video
