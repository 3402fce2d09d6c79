#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> CreateStream(Services& services, Call call) {
  std::vector<std::string_view> known = {"name", "retention_hours"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  PS_CO_TRY(StreamName name, StreamName::Parse(input["name"].AsString()));
  uint32_t hours = services.settings.retention_hours;
  if (!input["retention_hours"].is_null()) {
    PS_CO_TRY(hours, RetentionFromJson(input["retention_hours"]));
  }
  PS_CO_TRY(const store::StreamInfo info,
            co_await services.store.CreateStream(std::move(name), hours));
  co_return JsonResponse(StreamToJson(info, store::ShardStatus(), nullptr), 201);
}

}  // namespace penstock::server
