// What operations of Amazon's APIs know of the service as a whole.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/limits.h"
#include "server/operations/video/media_readers.h"

namespace penstock::ingest {
class Uploads;
}
namespace penstock::playback {
class ImageService;
}

namespace penstock::server {
class Buckets;
namespace images {
class ImageGenerator;
}
namespace notifications {
class Notifier;
}
}  // namespace penstock::server

namespace penstock::server::aws {

// Set once before the first request, but for what says otherwise.
struct Context {
  std::string region = "us-east-1";      // in ARNs
  std::string account = "000000000000";  // in ARNs
  std::string public_url;                // what GetDataEndpoint names; empty: as the client came
  std::chrono::milliseconds media_idle{3000};  // GetMedia ends when nothing comes for so long
  size_t media_readers_max = limits::kMediaReadersPerStreamMax;
  size_t clip_fragments = 200;                       // of one GetClip
  uint64_t clip_bytes = 100u << 20;                  // of one GetClip
  ingest::Uploads* uploads = nullptr;                // PutMedia's; outlives the requests
  playback::ImageService* images = nullptr;          // GetImages'; outlives the requests
  std::filesystem::path images_directory;            // below it images may go; empty: nowhere
  std::chrono::milliseconds put_media_idle{30'000};  // ends when nothing comes for so long
  std::chrono::milliseconds put_media_lasts = std::chrono::hours(12);  // at most
  bool put_media_short_start_is_ms = false;                            // see ParseProducerStart
  notifications::Notifier* notifier = nullptr;                         // outlives the requests
  const images::ImageGenerator* image_generator = nullptr;             // outlives the requests
  Buckets* buckets = nullptr;           // null without s3.endpoint; outlives the requests
  std::atomic<uint16_t> http_port{0};   // where we listen, 0 if nowhere; thread-safe
  std::atomic<uint16_t> https_port{0};  // likewise, over TLS
  video::MediaReaders media_readers;    // thread-safe
};

}  // namespace penstock::server::aws
