#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> UpdateStream(Services& services, Call call) {
  std::vector<std::string_view> known = {"retention_hours", "max_bytes"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  store::StreamChange change;
  if (!input["max_bytes"].is_null()) {
    PS_CO_TRY(change.max_bytes, MaxBytesFromJson(input["max_bytes"]));
  }
  if (!change.max_bytes || !input["retention_hours"].is_null()) {
    PS_CO_TRY(change.retention_hours, RetentionFromJson(input["retention_hours"]));
  }
  PS_CO_TRY_VOID(co_await services.store.ChangeStream(*call.stream, change));
  co_return co_await DescribeStream(services, std::move(call));
}

}  // namespace penstock::server
