#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> UpdateStream(Services& services, Call call) {
  std::vector<std::string_view> known = {"retention_hours"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  PS_CO_TRY(const uint32_t hours, RetentionFromJson(input["retention_hours"]));
  PS_CO_TRY_VOID(co_await services.store.SetRetention(*call.stream, hours));
  co_return co_await DescribeStream(services, std::move(call));
}

}  // namespace penstock::server
