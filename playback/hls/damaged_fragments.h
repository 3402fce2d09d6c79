// Stored fragments and track sets that turned out to be unreadable.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>

#include "base/ids.h"
#include "base/metrics.h"
#include "base/result.h"
#include "store/item.h"

namespace penstock::playback {

// Remembers by shard and ordinal what was found damaged when somebody asked for it, so that
// playlists list it as a gap from then on and the disk is not asked again. In RAM only: after a
// restart the next reader finds out anew. Thread-safe. At most limits::kDamagedFragmentsMax.
class DamagedFragments {
 public:
  DamagedFragments();

  // Counts and logs it, once.
  void Add(const ShardId& shard, uint64_t ordinal, const Error& why);
  bool Contains(const ShardId& shard, uint64_t ordinal) const;
  // Nothing that was recorded with it can be played. Logs it, once.
  void AddTrackSet(const ShardId& shard, store::TrackSetId id, const Error& why);
  // How many of both are known of the shard: changes whenever its playlists do because of it.
  size_t Count(const ShardId& shard) const;
  // Turns those of the items (of this shard) that are known, or whose track set is, into gaps that
  // keep their duration, as a dropped fragment does.
  void Mark(const ShardId& shard, std::span<store::ItemHeader> items) const;

 private:
  metrics::Counter& found_;
  mutable std::mutex mutex_;
  std::map<ShardId, std::set<uint64_t>> ordinals_;
  std::map<ShardId, std::set<store::TrackSetId>> track_sets_;
  size_t count_ = 0;
};

}  // namespace penstock::playback
