// What operations work with. Everything here outlives the HTTP server.
#pragma once

#include <string>

#include "base/time.h"
#include "ingest/sources.h"
#include "playback/hls/hls_service.h"
#include "server/auth/key_ring.h"
#include "store/store.h"

namespace penstock::server {

namespace aws {
struct Context;
}

struct Services {
  store::Store& store;
  ingest::Sources& sources;
  KeyRing& keys;
  playback::HlsService& hls;
  Clock& clock;
  aws::Context& aws;
  uint32_t retention_hours = 24;  // of streams that are created without saying
};

}  // namespace penstock::server
