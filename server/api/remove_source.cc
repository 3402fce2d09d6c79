#include "server/api/operations.h"

namespace penstock::server {

Task<Outcome> RemoveSource(Services& services, Call call) {
  PS_CO_TRY_VOID(co_await services.sources.Remove(*call.stream));
  Json out;
  out.Set("removed", call.stream->text());
  co_return JsonResponse(out);
}

}  // namespace penstock::server
