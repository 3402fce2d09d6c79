// How far replays have come, so that each look at one costs what is new and not all since its
// beginning.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/ids.h"
#include "playback/hls/session.h"

namespace penstock::playback {

// An item that a replay has reached, and how long what is listed before it plays. What has gone
// with retention since then counts, too: a replay does not jump when its beginning goes.
struct ReplayPlace {
  uint64_t ordinal = 0;
  std::chrono::microseconds played{0};
};

// Thread-safe. Holds the places of the sessions that were used last; any other walks from its
// start once.
class ReplayPlaces {
 public:
  // A thousand viewers ten times over, 4 MB at most.
  static constexpr size_t kSessionsMax = 10'000;

  explicit ReplayPlaces(size_t sessions_max = kSessionsMax) : sessions_max_(sessions_max) {}
  ReplayPlaces(const ReplayPlaces&) = delete;

  std::optional<ReplayPlace> Get(const ShardId& shard, const Session& session);
  void Put(const ShardId& shard, const Session& session, ReplayPlace place);

 private:
  struct Entry {
    std::string key;
    ReplayPlace place;
  };
  using Entries = std::list<Entry>;

  const size_t sessions_max_;
  std::mutex mutex_;
  Entries entries_;                                                 // most recently used first
  std::unordered_map<std::string_view, Entries::iterator> by_key_;  // views into entries_
};

}  // namespace penstock::playback
