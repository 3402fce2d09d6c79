#include "server/api/operations.h"

namespace penstock::server {

Task<Outcome> RevokeKey(Services& services, Call call) {
  PS_CO_TRY_VOID(co_await services.keys.Revoke(call.rest));
  Json out;
  out.Set("revoked", call.rest);
  co_return JsonResponse(out);
}

}  // namespace penstock::server
