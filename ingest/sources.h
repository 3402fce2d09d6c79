// The cameras we pull from, managed while running, and what is known of every publication.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ingest/media_sink.h"
#include "ingest/source_config.h"
#include "store/item.h"

namespace penstock::ingest {

struct TrackStatus {
  uint32_t number = 0;
  std::string description;  // "H.264 1280x720", "AAC 48000 Hz stereo"
  uint64_t units = 0;
  uint64_t bytes = 0;
  uint64_t packets_lost = 0;
  // Since its source was last connected:
  bool video = false;
  uint64_t key_frames = 0;
  int64_t silent_ms = -1;  // since the last access unit; -1: none yet
};

// One line of `penstock source status` and of the page: pulled cameras and pushed streams alike.
struct PublicationStatus {
  StreamName stream;
  std::string kind;  // "pull" or "push"
  std::string from;  // redacted URL, or the publisher's address
  SourceStatus status;
  ServerTime since;  // in this state
  std::vector<TrackStatus> tracks;
  uint64_t fragments_stored = 0;
  uint64_t fragments_dropped = 0;
  uint64_t fragments_waiting = 0;  // for the disk
  uint64_t bits_per_second = 0;    // over the last ten seconds
};

// Thread-safe.
class Sources {
 public:
  virtual ~Sources() = default;
  // Durable in the catalog when it completes; connecting starts at once. kAlreadyExists;
  // kInvalidArgument for a URL that cannot be one.
  virtual Task<Status> Add(SourceConfig config) = 0;
  // Stops it with a TEARDOWN. Stored media stays. kForbidden for a declarative one, kNotFound.
  virtual Task<Status> Remove(StreamName name) = 0;
  virtual std::vector<SourceConfig> List() const = 0;
  // Every source and every current or recent publisher, by name.
  virtual std::vector<PublicationStatus> GetStatus() const = 0;
  // Why nothing has come of a stream since the item `last`, the newest of its shard; kNone while
  // more is on its way.
  virtual store::GapReason WhyNothing(const StreamName& stream, const ShardId& shard,
                                      uint64_t last) const = 0;
};

}  // namespace penstock::ingest
