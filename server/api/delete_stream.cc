#include "server/api/operations.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server {

Task<Outcome> DeleteStream(Services& services, Call call) {
  const auto info = services.store.GetStream(*call.stream);
  PS_CO_TRY_VOID(co_await services.store.DeleteStream(*call.stream));
  if (info)
    PS_CO_TRY_VOID(co_await aws::video::ForgetTraits(services.store.catalog(), info->shard));
  Json out;
  out.Set("deleted", call.stream->text());
  co_return JsonResponse(out);
}

}  // namespace penstock::server
