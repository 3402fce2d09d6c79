#include "server/api/operations.h"

namespace penstock::server {

// Healthy is: a fragment that arrives now can be stored.
Task<Outcome> Health(Services& services, Call) {
  const store::Store::Stats stats = services.store.GetStats();
  Json out;
  if (stats.read_only) {
    out.Set("status", "read-only");
    out.Set("reason", "the disk refused to sync; nothing is stored until the store is reopened");
  } else if (stats.full) {
    out.Set("status", "full");
    out.Set("reason", "the volume is too full; nothing is stored until space is freed");
  } else {
    out.Set("status", "ok");
    co_return JsonResponse(out);
  }
  co_return JsonResponse(out, 503);
}

}  // namespace penstock::server
