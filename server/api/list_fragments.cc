#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {
namespace {

constexpr uint64_t kPageDefault = 100;
constexpr uint64_t kPageMax = 1000;

Result<store::Selector> SelectorOf(const Call& call, const std::optional<ServerTime>& start) {
  const std::string_view after = call.request.QueryValue("after");
  if (!after.empty()) {
    auto number = FragmentNumber::Parse(after);
    if (!number.ok()) return std::move(number).error().With("after");
    return store::Selector(store::AfterNumber{number->index});
  }
  if (start) return store::Selector(store::FromServerTime{*start});
  return store::Selector(store::FromOldest());
}

}  // namespace

Task<Outcome> ListFragments(Services& services, Call call) {
  std::vector<std::string_view> known = {"start", "end", "after", "limit"};
  PS_CO_TRY_VOID(CheckQuery(call.request, std::move(known)));
  PS_CO_TRY(const auto start, QueryTime(call.request, "start"));
  PS_CO_TRY(const auto end, QueryTime(call.request, "end"));
  PS_CO_TRY(const uint64_t limit, QueryCount(call.request, "limit", kPageDefault, kPageMax));
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  PS_CO_TRY(store::Selector from, SelectorOf(call, start));
  PS_CO_TRY(const auto items, co_await stream.shard->Find(std::move(from), limit));

  Json list = Json(Json::Array());
  bool ended = items.size() < limit;
  for (const store::ItemRef& item : items) {
    if (end && item.header.server_time >= *end) {
      ended = true;
      break;
    }
    list.Push(ItemToJson(item.header));
  }
  Json out;
  out.Set("stream", stream.info.name.text());
  out.Set("fragments", std::move(list));
  // Give it as ?after= to go on; null at the end.
  out.Set("next", ended ? Json() : Json(items.back().header.number.ToString()));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
