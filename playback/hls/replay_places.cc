#include "playback/hls/replay_places.h"

#include <fmt/format.h>

namespace penstock::playback {
namespace {

// Sessions of one key see the same list at every moment.
std::string KeyOf(const ShardId& shard, const Session& session) {
  return fmt::format("{}|{}|{}|{}|{}|{}", shard.ToString(), session.by_producer ? 'p' : 's',
                     session.from_us, session.to_us, session.entries_max, ToMs(session.begun));
}

}  // namespace

std::optional<ReplayPlace> ReplayPlaces::Get(const ShardId& shard, const Session& session) {
  const std::string key = KeyOf(shard, session);
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->place;
}

void ReplayPlaces::Put(const ShardId& shard, const Session& session, ReplayPlace place) {
  std::string key = KeyOf(shard, session);
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->place = place;
    return;
  }
  entries_.push_front(Entry{std::move(key), place});
  by_key_[entries_.front().key] = entries_.begin();
  if (entries_.size() <= sessions_max_) return;
  by_key_.erase(entries_.back().key);
  entries_.pop_back();
}

}  // namespace penstock::playback
