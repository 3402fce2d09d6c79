#include "server/api/hold_json.h"
#include "server/api/operations.h"

namespace penstock::server {

Json HoldToJson(const store::Hold& hold) {
  Json json;
  json.Set("id", hold.id);
  json.Set("stream", hold.stream.text());
  json.Set("start", FormatRfc3339(hold.start));
  json.Set("end", FormatRfc3339(hold.end));
  json.Set("note", hold.note);
  json.Set("created", FormatRfc3339(hold.created));
  json.Set("gone_before", hold.gone_before ? Json(FormatRfc3339(*hold.gone_before)) : Json());
  return json;
}

// Of the stream in the path, or all.
Task<Outcome> ListHolds(Services& services, Call call) {
  PS_CO_TRY_VOID(CheckQuery(call.request, std::vector<std::string_view>()));
  if (call.stream) PS_CO_TRY_VOID(FindStream(services, *call.stream));
  Json list = Json(Json::Array());
  for (const store::Hold& hold : services.store.ListHolds(call.stream)) list.Push(HoldToJson(hold));
  Json out;
  out.Set("holds", std::move(list));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
