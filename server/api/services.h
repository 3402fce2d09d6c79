// What operations work with. Everything here outlives the HTTP server.
#pragma once

#include <atomic>
#include <string>

#include "base/time.h"
#include "ingest/sources.h"
#include "playback/hls/hls_service.h"
#include "server/auth/key_ring.h"
#include "store/store.h"

namespace penstock::playback {
class DashService;
}

namespace penstock::server {

namespace aws {
struct Context;
}

// What a reload of the configuration may change while requests run. Thread-safe.
struct LiveSettings {
  std::atomic<uint32_t> retention_hours{24};  // of streams that are created without saying
  std::atomic<bool> log_requests{true};
};

struct Services {
  store::Store& store;
  ingest::Sources& sources;
  KeyRing& keys;
  playback::HlsService& hls;
  playback::DashService& dash;
  Clock& clock;
  aws::Context& aws;
  const LiveSettings& settings;
};

}  // namespace penstock::server
