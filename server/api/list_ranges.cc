#include "server/api/operations.h"
#include "server/api/spans.h"

namespace penstock::server {
namespace {

constexpr size_t kPage = 2048;
// Two days of two-second fragments: about a second of work. Who wants more asks again from `next`.
constexpr size_t kItemsMax = 86'400;

}  // namespace

Task<Outcome> ListRanges(Services& services, Call call) {
  std::vector<std::string_view> known = {"start", "end"};
  PS_CO_TRY_VOID(CheckQuery(call.request, std::move(known)));
  PS_CO_TRY(const auto start, QueryTime(call.request, "start"));
  PS_CO_TRY(const auto end, QueryTime(call.request, "end"));
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));

  SpanBuilder builder;
  store::Selector from = store::FromOldest();
  if (start) from = store::FromServerTime{*start};
  Json next;
  std::optional<uint64_t> last;
  for (size_t seen = 0;;) {
    PS_CO_TRY(const auto items, co_await stream.shard->Find(from, kPage));
    bool ended = items.size() < kPage;
    for (const store::ItemRef& item : items) {
      if (end && item.header.server_time >= *end) {
        ended = true;
        break;
      }
      if (last && item.header.ordinal != *last + 1) builder.Break();
      last = item.header.ordinal;
      builder.Add(item.header);
    }
    seen += items.size();
    if (ended) break;
    if (seen >= kItemsMax) {
      next = FormatRfc3339(items.back().header.server_time);
      break;
    }
    from = store::FromOrdinal{items.back().header.ordinal + 1};
  }

  Json list = Json(Json::Array());
  for (const Span& span : builder.spans()) {
    Json json;
    json.Set("start", FormatRfc3339(span.start));
    json.Set("end", FormatRfc3339(span.end));
    json.Set("fragments", span.fragments);
    json.Set("bytes", span.bytes);
    list.Push(std::move(json));
  }
  Json out;
  out.Set("stream", stream.info.name.text());
  out.Set("now", FormatRfc3339(services.clock.Now()));
  out.Set("ranges", std::move(list));
  out.Set("next", std::move(next));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
