// Which segments go, and how: expired ones, and the oldest where a volume is to keep space free. On
// the store's background thread.
#include <algorithm>

#include "base/log.h"
#include "store/metrics.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

constexpr int64_t kHourMs = 3'600'000;
// A segment that could not go yet is looked at again after this long.
constexpr int64_t kLookAgainMs = 60'000;
// The same before its time, and how many of those are looked at in one round.
constexpr int64_t kLookEarlyMs = 600'000;
constexpr size_t kEarlyLooks = 8;

}  // namespace

// What hides a segment: of each stream that is there, one past its last ordinal in it. Nothing if
// the segment must stay whatever is hidden: it is damaged, which `store check` is to see, may be
// of a stream that cannot be read, or has something in it that is held.
Result<std::optional<StoreImpl::Ends>> StoreImpl::FindEnds(Segment& segment) {
  PS_TRY(const std::shared_ptr<DiskFile> file, segment.File());
  DiskSource source(*file, segment.bytes());
  const auto footer = ReadFooter(source, segment.header());
  if (!footer.ok()) return std::optional<Ends>();
  Ends ends;
  for (const FooterShard& summary : footer->shards) {
    if (auto shard = FindShard(summary.shard)) {
      ends.emplace_back(std::move(shard), summary.ordinal_max + 1);
      continue;
    }
    // Of a deleted stream, if every stream can be read.
    const std::lock_guard lock(streams_mutex_);
    if (!unreadable_.empty()) return std::optional<Ends>();
  }
  if (IsHeld(*footer, ends)) return std::optional<Ends>();
  return std::optional(std::move(ends));
}

// Whether a hold covers an item of it. None is made meanwhile: they are promised on this thread.
bool StoreImpl::IsHeld(const Footer& footer, const Ends& ends) const {
  std::map<ShardId, const ShardImpl*> holding;
  for (const auto& [shard, end] : ends) {
    if (shard->has_holds()) holding[shard->id()] = shard.get();
  }
  if (holding.empty()) return false;
  return std::any_of(footer.entries.begin(), footer.entries.end(), [&](const FooterEntry& entry) {
    if (entry.item.is_track_set()) return false;
    const auto shard = holding.find(entry.item.shard);
    return shard != holding.end() && shard->second->Holds(entry.item.header);
  });
}

// 1. The marks that hide every item of the segments become durable, and that the segments need not
// be there any more (recovery: segments without visible items, registered and removed again by
// RemoveExpired).
// 2. They are unlinked.
Status StoreImpl::Remove(LaneState& state, const Removal& removal) {
  if (removal.segments.empty() && removal.lost.empty()) return {};
  std::vector<MetaRecord> records;
  for (const auto& [shard, mark] : removal.marks) {
    records.push_back(MakeLowWaterRecord(shard, mark));
    if (const auto hiding = FindShard(shard)) hiding->NoteMark(mark);
  }
  std::vector<SegmentSeq> sequences = removal.lost;
  for (const auto& segment : removal.segments) sequences.push_back(segment->header().sequence);
  records.push_back(MakeSegmentsRemovedRecord(sequences));
  PS_TRY_VOID(SubmitAndWait(*state.lane, std::move(records)));
  return state.lane->RemoveSegments(removal.segments);
}

// Age hides a file when it is due. Before that a bound of bytes, less retention than when it was
// written, or the end of a stream may have hidden it. A look reads the file's footer: what is due
// is looked at at once, of the others a few in each round, oldest first.
Status StoreImpl::RemoveExpired(LaneState& state, ServerTime now) {
  const int64_t now_ms = ToMs(now);
  Removal removal;
  size_t early_looks = 0;
  for (const auto& segment : state.lane->segments().All()) {
    const SegmentHeader& header = segment->header();
    if (header.retention_class == kMetaClass || !segment->sealed()) continue;
    const int64_t expiry_ms = segment->server_ms_max() + int64_t{header.retention_class} * kHourMs;
    // In the future: a clock that was wrong then. The marks know better.
    const bool due = expiry_ms <= now_ms || segment->server_ms_max() > now_ms;
    if (segment->next_look_ms > now_ms) continue;
    if (!due && ++early_looks > kEarlyLooks) continue;
    PS_TRY(const std::optional<Ends> ends, FindEnds(*segment));
    const bool hidden =
        ends.has_value() && std::all_of(ends->begin(), ends->end(), [](const auto& end) {
          return end.first->mark() >= end.second;
        });
    if (!hidden) {
      segment->next_look_ms =
          due ? now_ms + kLookAgainMs : std::min(now_ms + kLookEarlyMs, expiry_ms);
      continue;
    }
    for (const auto& [shard, end] : *ends) {
      const uint64_t mark = shard->mark();
      if (shard->durable_low_water() < mark) removal.marks[shard->id()] = mark;
    }
    removal.segments.push_back(segment);
  }
  // While folds wait, those that are removed already would be found again and again.
  if (!state.lane->fold_waits()) removal.lost = ExpiredLosses(state, now_ms);
  return Remove(state, removal);
}

// What was lost is reported for as long as anything in it could be kept: it was received before the
// loss was noticed, and its stream may be kept longer by now than when it was written.
std::vector<SegmentSeq> StoreImpl::ExpiredLosses(LaneState& state, int64_t now_ms) {
  std::vector<SegmentSeq> expired;
  std::vector<SegmentRecord> lost;
  {
    const std::lock_guard fold_lock(state.fold_mutex);
    for (const auto& [sequence, segment] : state.registered.segments()) {
      if (segment.lost_ms > 0) lost.push_back(segment);
    }
  }
  if (lost.empty()) return expired;
  uint32_t hours_max = 0;
  {
    const std::lock_guard lock(streams_mutex_);
    if (!unreadable_.empty()) return expired;
    for (const auto& [id, shard] : shards_) {
      if (lanes_[shard->lane()].get() == &state)
        hours_max = std::max(hours_max, shard->retention_hours());
    }
  }
  for (const SegmentRecord& segment : lost) {
    const int64_t hours = std::max(hours_max, segment.retention_class);
    if (segment.lost_ms + hours * kHourMs <= now_ms) expired.push_back(segment.sequence);
  }
  return expired;
}

// Oldest first, over all lanes and streams: by when the newest item of a segment was received. What
// was received in the future was so by a clock that was wrong; it goes last. Of a shard everything
// up to the last of its items in what goes is hidden.
Status StoreImpl::MakeRoom() {
  const uint64_t free = volume_free_bytes_.load();
  if (free >= options_.min_free_bytes) return {};
  struct Candidate {
    size_t lane;
    std::shared_ptr<Segment> segment;
  };
  std::vector<Candidate> candidates;
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    if (lanes_[lane]->lane->read_only()) continue;
    for (const auto& segment : lanes_[lane]->lane->segments().All()) {
      if (segment->header().retention_class != kMetaClass && segment->sealed())
        candidates.push_back({lane, segment});
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.segment->server_ms_max() < b.segment->server_ms_max();
  });
  uint64_t wanted = options_.min_free_bytes - free;
  std::map<size_t, Removal> removals;
  Status result;
  const auto note = [&result](const Status& status) {
    if (!status.ok() && result.ok()) result = status;
  };
  for (const Candidate& candidate : candidates) {
    if (wanted == 0) break;
    const auto ends = FindEnds(*candidate.segment);
    if (!ends.ok()) note(ends.error());
    if (!ends.ok() || !ends->has_value()) continue;
    // An item that is still being filled holds back what comes after it.
    const bool visible = std::all_of((*ends)->begin(), (*ends)->end(), [](const auto& end) {
      return end.first->GetStatus().next_ordinal >= end.second;
    });
    if (!visible) continue;
    Removal& removal = removals[candidate.lane];
    for (const auto& [shard, end] : **ends) {
      uint64_t& mark = removal.marks[shard->id()];
      mark = std::max(mark, end);
    }
    removal.segments.push_back(candidate.segment);
    wanted -= std::min(wanted, candidate.segment->bytes());
  }
  const bool short_of = wanted > 0 && GetStats().holds > 0;
  if (short_of && !holds_in_the_way_) {
    log::Write(log::kWarning, "the volume is short of room, and what is held stays",
               {{"bytes", wanted}});
  }
  holds_in_the_way_ = short_of;
  for (const auto& [lane, removal] : removals) {
    const Status removed = Remove(*lanes_[lane], removal);
    note(removed);
    if (!removed.ok()) continue;
    uint64_t bytes = 0;
    for (const auto& segment : removal.segments) bytes += segment->bytes();
    StoreMetrics::Get().made_room.Add(bytes);
    const ServerTime newest = ServerTimeFromMs(removal.segments.back()->server_ms_max());
    log::Write(log::kWarning, "the oldest media made room before its time",
               {{"bytes", bytes}, {"received_until", FormatRfc3339(newest)}});
  }
  RefreshSpace();
  return result;
}

}  // namespace penstock::store
