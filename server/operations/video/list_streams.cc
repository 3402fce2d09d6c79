// Streams by name, page by page. A token says after which name to go on, so that streams that come
// and go meanwhile neither shift nor repeat the others.
#include "server/operations/page_token.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kTokenKind = "streams";

constexpr Member kMembers[] = {
    {"MaxResults", &kNamePageShape},
    {"NextToken", &kNextTokenShape},
    {"StreamNameCondition", &kNameConditionShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const int64_t limit = call.input["MaxResults"].AsInt(kNamePageShape.max);
  const std::string_view prefix = call.input["StreamNameCondition"]["ComparisonValue"].AsString();
  std::string after;
  if (const std::string_view token = call.input["NextToken"].AsString(); !token.empty()) {
    PS_CO_TRY(const std::vector<std::string> fields, ReadPageToken(token, kTokenKind, 1));
    after = fields[0];
  }
  Json list = Json(Json::Array());
  Json next;
  std::string last;
  // ListStreams gives them in the order of their names.
  for (const store::StreamInfo& info : services.store.ListStreams()) {
    const std::string& name = info.name.text();
    if (!after.empty() && name <= after) continue;
    if (std::string_view(name).substr(0, prefix.size()) != prefix) continue;
    if (!call.caller.MayDo("kinesisvideo:ListStreams", info.name)) continue;
    if (static_cast<int64_t>(list.array().size()) == limit) {
      next = MakePageToken(kTokenKind, std::vector<std::string>{last});
      break;
    }
    list.Push(DescribeInfo(services, info));
    last = name;
  }
  Json out;
  out.Set("StreamInfoList", std::move(list));
  out.Set("NextToken", std::move(next));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kListStreams{"ListStreams", "/listStreams", &kInput, Resource::kNone,
                                       Run};

}  // namespace penstock::server::aws::video
