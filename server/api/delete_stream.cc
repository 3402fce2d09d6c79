#include "server/api/operations.h"

namespace penstock::server {

Task<Outcome> DeleteStream(Services& services, Call call) {
  PS_CO_TRY_VOID(co_await services.store.DeleteStream(*call.stream));
  Json out;
  out.Set("deleted", call.stream->text());
  co_return JsonResponse(out);
}

}  // namespace penstock::server
