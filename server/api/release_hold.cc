#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "server/api/operations.h"

namespace penstock::server {

Task<Outcome> ReleaseHold(Services& services, Call call) {
  PS_CO_TRY_VOID(FindStream(services, *call.stream));
  // An id alone would do; with a stream it is not another's that a slip of the hand releases.
  const std::vector<store::Hold> holds = services.store.ListHolds(call.stream);
  if (std::none_of(holds.begin(), holds.end(),
                   [&](const store::Hold& hold) { return hold.id == call.rest; })) {
    co_return Error(ErrorCode::kNotFound,
                    fmt::format("{} has no hold {}", call.stream->text(), call.rest));
  }
  PS_CO_TRY_VOID(co_await services.store.ReleaseHold(call.rest));
  log::Write(log::kInfo, "hold released",
             {{"stream", call.stream->text()}, {"hold", call.rest}, {"key", call.caller.name}});
  Json out;
  out.Set("released", call.rest);
  co_return JsonResponse(out);
}

}  // namespace penstock::server
