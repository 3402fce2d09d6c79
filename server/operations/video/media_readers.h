// How many read each stream by GetMedia at the moment.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"

namespace penstock::server::aws::video {

// Thread-safe. Outlives its seats.
class MediaReaders {
 public:
  // One reader's place; it is free again when this is destroyed.
  using Seat = std::shared_ptr<void>;

  // nullptr if `most` are reading already.
  Seat Take(const ShardId& shard, size_t most) {
    const std::lock_guard lock(mutex_);
    size_t& count = counts_[shard];
    if (count >= most) return nullptr;
    ++count;
    return Seat(this, [this, shard](void*) { Release(shard); });
  }

 private:
  void Release(const ShardId& shard) {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(shard);
    if (--found->second == 0) counts_.erase(found);
  }

  std::mutex mutex_;
  std::unordered_map<ShardId, size_t> counts_;
};

}  // namespace penstock::server::aws::video
