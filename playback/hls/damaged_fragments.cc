#include "playback/hls/damaged_fragments.h"

#include "base/limits.h"
#include "base/log.h"

namespace penstock::playback {
namespace {

void MakeGap(store::ItemHeader& item) { item.kind = store::ItemKind::kGap; }

}  // namespace

DamagedFragments::DamagedFragments()
    : found_(metrics::GetCounter(
          "penstock_fragments_damaged_total",
          "Stored fragments that were found damaged when played; playlists have a gap instead")) {}

void DamagedFragments::Add(const ShardId& shard, uint64_t ordinal, const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (count_ >= limits::kDamagedFragmentsMax) return;
    if (!ordinals_[shard].insert(ordinal).second) return;
    ++count_;
  }
  found_.Add();
  log::Write(log::kError, "stored fragment is damaged; it plays as a gap",
             {{"shard", shard.ToString()}, {"fragment", ordinal}, {"error", why.ToString()}});
}

void DamagedFragments::AddTrackSet(const ShardId& shard, store::TrackSetId id, const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (count_ >= limits::kDamagedFragmentsMax) return;
    if (!track_sets_[shard].insert(id).second) return;
    ++count_;
  }
  log::Write(log::kError, "stored track set is damaged; what was recorded with it plays as a gap",
             {{"shard", shard.ToString()}, {"track_set", id}, {"error", why.ToString()}});
}

bool DamagedFragments::Contains(const ShardId& shard, uint64_t ordinal) const {
  const std::lock_guard lock(mutex_);
  const auto found = ordinals_.find(shard);
  return found != ordinals_.end() && found->second.contains(ordinal);
}

size_t DamagedFragments::Count(const ShardId& shard) const {
  const std::lock_guard lock(mutex_);
  const auto found = ordinals_.find(shard);
  const auto sets = track_sets_.find(shard);
  return (found == ordinals_.end() ? 0 : found->second.size()) +
         (sets == track_sets_.end() ? 0 : sets->second.size());
}

void DamagedFragments::Mark(const ShardId& shard, std::span<store::ItemHeader> items) const {
  if (items.empty()) return;
  const std::lock_guard lock(mutex_);
  const auto sets = track_sets_.find(shard);
  if (sets != track_sets_.end()) {
    for (store::ItemHeader& item : items) {
      const bool is_fragment = item.kind == store::ItemKind::kFragment;
      if (is_fragment && sets->second.contains(item.track_set)) MakeGap(item);
    }
  }
  const auto found = ordinals_.find(shard);
  if (found == ordinals_.end()) return;
  const uint64_t first = items.front().ordinal;
  for (auto at = found->second.lower_bound(first);
       at != found->second.end() && *at - first < items.size(); ++at) {
    MakeGap(items[*at - first]);
  }
}

}  // namespace penstock::playback
