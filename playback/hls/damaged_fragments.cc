#include "playback/hls/damaged_fragments.h"

#include "base/limits.h"
#include "base/log.h"

namespace penstock::playback {

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

bool DamagedFragments::Contains(const ShardId& shard, uint64_t ordinal) const {
  const std::lock_guard lock(mutex_);
  const auto found = ordinals_.find(shard);
  return found != ordinals_.end() && found->second.contains(ordinal);
}

size_t DamagedFragments::Count(const ShardId& shard) const {
  const std::lock_guard lock(mutex_);
  const auto found = ordinals_.find(shard);
  return found == ordinals_.end() ? 0 : found->second.size();
}

void DamagedFragments::Mark(const ShardId& shard, std::span<store::ItemHeader> items) const {
  if (items.empty()) return;
  const std::lock_guard lock(mutex_);
  const auto found = ordinals_.find(shard);
  if (found == ordinals_.end()) return;
  const uint64_t first = items.front().ordinal;
  for (auto at = found->second.lower_bound(first);
       at != found->second.end() && *at - first < items.size(); ++at) {
    store::ItemHeader& item = items[*at - first];
    item.kind = store::ItemKind::kGap;
    item.flags |= store::kFlagDropped;
  }
}

}  // namespace penstock::playback
