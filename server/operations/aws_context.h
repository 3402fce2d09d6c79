// What operations of Amazon's APIs know of the service as a whole.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "server/operations/video/media_readers.h"

namespace penstock::server::aws {

// Set once before the first request, but for what says otherwise.
struct Context {
  std::string region = "us-east-1";      // in ARNs
  std::string account = "000000000000";  // in ARNs
  std::string public_url;                // what GetDataEndpoint names; empty: as the client came
  std::chrono::milliseconds media_idle{3000};  // GetMedia ends when nothing comes for so long
  std::atomic<uint16_t> http_port{0};          // where we listen; thread-safe
  video::MediaReaders media_readers;           // thread-safe
};

}  // namespace penstock::server::aws
