#include "server/api/operations.h"
#include "server/api/version.h"

namespace penstock::server {

Task<Outcome> DescribeVersion(Services& services, Call call) {
  Json out;
  out.Set("version", Version());
  out.Set("now", FormatRfc3339(services.clock.Now()));
  out.Set("caller", call.caller.name);
  // The page shows what its visitor may use.
  out.Set("admin", call.caller.IsAdmin());
  co_return JsonResponse(out);
}

}  // namespace penstock::server
