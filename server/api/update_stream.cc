#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> UpdateStream(Services& services, Call call) {
  std::vector<std::string_view> known = {"retention_hours", "max_bytes"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  const bool by_bytes = !input["max_bytes"].is_null();
  uint64_t max_bytes = 0;
  if (by_bytes) {
    PS_CO_TRY(max_bytes, MaxBytesFromJson(input["max_bytes"]));
  }
  if (!by_bytes || !input["retention_hours"].is_null()) {
    PS_CO_TRY(const uint32_t hours, RetentionFromJson(input["retention_hours"]));
    PS_CO_TRY_VOID(co_await services.store.SetRetention(*call.stream, hours));
  }
  if (by_bytes) {
    PS_CO_TRY_VOID(co_await services.store.SetMaxBytes(*call.stream, max_bytes));
  }
  co_return co_await DescribeStream(services, std::move(call));
}

}  // namespace penstock::server
