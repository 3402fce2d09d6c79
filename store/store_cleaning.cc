// The cleaner (docs/format.md §3.6): of a sealed segment in which little still lives, that is
// appended again, as copies, and the segment goes. On the store's background thread.
#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "base/log.h"
#include "store/log/disk_source.h"
#include "store/metrics.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

// Copied with one submission, which the items of that batch wait for.
constexpr uint64_t kSubmissionBytes = 2u << 20;
// In one round, so that seals and snapshots do not wait long behind it.
constexpr uint64_t kRoundBytes = 32u << 20;
// Footers read in one round, and when a segment is looked at again.
constexpr size_t kLooks = 8;
constexpr int64_t kLookAgainMs = 600'000;

// What an item takes in its segment, about.
uint64_t BytesOf(const ItemRecord& item) {
  return kItemFixedBytes + item.header.meta_bytes + uint64_t{item.header.body_bytes};
}

}  // namespace

bool StoreImpl::IsSpaceWanted() const {
  const uint64_t total = volume_bytes_.load();
  if (total == 0 && options_.clean_at > 0) return false;  // nobody knows
  const uint64_t free = std::min(volume_free_bytes_.load(), total);
  const double wanted_at = options_.clean_at * options_.full_at * static_cast<double>(total);
  return static_cast<double>(total - free) >= wanted_at || free / 2 < options_.min_free_bytes;
}

// Whether this is the only place that the item has. What the index knows elsewhere is durable
// there.
Result<bool> StoreImpl::IsOnlyIn(LaneState& state, const Segment& segment, const ShardImpl& shard,
                                 const ItemRecord& item) {
  const auto row = index_->GetItem(shard.id(), item.header.ordinal);
  if (!row.ok() && row.error().code() != ErrorCode::kNotFound) return row.error();
  const bool known = row.ok() && row->record.header.number == item.header.number;
  if (!known) {
    // A mark that passed it just now takes its row. Else it stays, and so does its segment.
    if (!shard.Keeps(item.header)) return false;
    return Error(ErrorCode::kCorruption, "the index lacks an item of it");
  }
  return row->segment == segment.header().sequence ||
         state.lane->segments().Find(row->segment) == nullptr;
}

// Nothing if the segment must stay as it is: it is damaged, or may be of a stream that cannot be
// read. `items` is filled only if it is worth while.
Result<std::optional<StoreImpl::Living>> StoreImpl::FindLiving(LaneState& state, Segment& segment) {
  PS_TRY(const std::shared_ptr<DiskFile> file, segment.File());
  DiskSource source(*file, segment.bytes());
  auto footer = ReadFooter(source, segment.header());
  if (!footer.ok()) return std::optional<Living>();
  std::map<ShardId, std::shared_ptr<ShardImpl>> shards;
  for (const FooterShard& summary : footer->shards) {
    if (auto shard = FindShard(summary.shard)) {
      shards.emplace(summary.shard, std::move(shard));
      continue;
    }
    const std::lock_guard lock(streams_mutex_);
    if (!unreadable_.empty()) return std::optional<Living>();
  }
  Living living;
  for (FooterEntry& entry : footer->entries) {
    if (entry.item.is_track_set()) continue;
    const uint64_t bytes = BytesOf(entry.item);
    living.all_bytes += bytes;
    const auto shard = shards.find(entry.item.shard);
    if (shard == shards.end() || !shard->second->Keeps(entry.item.header)) continue;
    living.bytes += bytes;
    living.items.push_back({shard->second, {std::move(entry.item), segment.header().sequence}});
  }
  if (living.IsMuch()) {
    living.items.clear();
    return std::optional(std::move(living));
  }
  std::vector<Survivor> kept;
  kept.swap(living.items);
  for (Survivor& survivor : kept) {
    PS_TRY(const bool only_here, IsOnlyIn(state, segment, *survivor.shard, survivor.item.record));
    if (only_here) living.items.push_back(std::move(survivor));
  }
  for (const FooterShard& summary : footer->shards) {
    const auto shard = shards.find(summary.shard);
    if (shard == shards.end()) continue;
    const uint64_t mark = shard->second->mark();
    if (shard->second->durable_low_water() < std::min(mark, summary.ordinal_max + 1))
      living.marks[summary.shard] = mark;
  }
  return std::optional(std::move(living));
}

// Ends the round when its bytes are used up, when new items wait, or when there is no room.
Status StoreImpl::CopySurvivors(LaneState& state, const Segment& segment,
                                std::vector<Survivor> survivors, CleaningRound& round) {
  Lane& lane = *state.lane;
  std::map<std::pair<ShardId, TrackSetId>, std::shared_ptr<TrackSetUse>> track_sets;
  Submission collected;
  uint64_t bytes = 0;
  const auto submit = [&]() -> Status {
    if (collected.records.empty() || round.ended) return {};
    std::vector<Submission> one;
    one.push_back(std::exchange(collected, Submission()));
    const Status done = SubmitAndWait(lane, std::move(one));
    const bool refused = !done.ok() && IsRefusal(done.error().code());
    if (done.ok()) StoreMetrics::Get().cleaned_bytes.Add(bytes);
    round.bytes += std::exchange(bytes, 0);
    // What is durable and not folded has not moved yet.
    round.ended = refused || lane.fold_waits() || index_->waits_for_room();
    return refused ? Status() : done;
  };
  for (Survivor& survivor : survivors) {
    const uint32_t hours = survivor.shard->retention_hours();
    const uint32_t retention_class = hours > 0 ? hours : segment.header().retention_class;
    if (bytes >= kSubmissionBytes || retention_class != collected.retention_class)
      PS_TRY_VOID(submit());
    if (closing_.load()) return Error(ErrorCode::kClosed, "the store is closed");
    if (round.bytes + bytes >= kRoundBytes || lane.pending_bytes() > limits::kBatchBytesMax) {
      PS_TRY_VOID(submit());
      round.ended = true;
    }
    if (round.ended) return {};
    PendingRecord copy;
    copy.is_item = true;
    PS_TRY(copy.meta, ReadItemMeta(lane.segments(), survivor.item, BodyForm::kMemory));
    PS_TRY(auto body, ReadItemBody(lane.segments(), survivor.item, BodyForm::kMemory));
    copy.body = std::move(std::get<ByteChain>(body));
    copy.item = std::move(survivor.item.record);
    copy.item.copy = true;
    copy.item.retention_class = retention_class;
    // The gap of an item that was dropped names tracks that may never have been stored.
    const TrackSetId id = copy.item.header.track_set;
    if (id != 0 && copy.item.header.kind != ItemKind::kGap) {
      auto& use = track_sets[{copy.item.shard, id}];
      if (!use) {
        auto loaded = survivor.shard->LoadTrackSet(id);
        if (!loaded.ok())
          return Error(ErrorCode::kCorruption, "tracks: " + loaded.error().ToString());
        use = std::move(*loaded);
      }
      copy.track_set = use;
    }
    bytes += BytesOf(copy.item);
    collected.copies = true;
    collected.retention_class = retention_class;
    collected.records.push_back(std::move(copy));
  }
  return submit();
}

// 1. Copies of what lives only there are appended: durable, then folded, which moves the items
//    (a crash finds both places; either is right, and none is counted twice).
// 2. As for any removal: marks that hide the rest are durable, and that the segment need not be
//    there; it is unlinked.
// Readers who come with the old place look the item up again.
Status StoreImpl::CleanSegment(LaneState& state, const std::shared_ptr<Segment>& segment,
                               CleaningRound& round) {
  segment->next_clean_ms = round.now_ms + (options_.clean_at > 0 ? kLookAgainMs : 0);
  PS_TRY(std::optional<Living> living, FindLiving(state, *segment));
  if (!living || living->IsMuch()) return {};
  if (!living->items.empty()) {
    PS_TRY_VOID(CopySurvivors(state, *segment, std::move(living->items), round));
    if (round.ended) {
      segment->next_clean_ms = 0;
      return {};
    }
    PS_TRY(living, FindLiving(state, *segment));
    if (!living) return {};
    if (!living->items.empty())
      return Error(ErrorCode::kCorruption, "a copy did not take its place");
  }
  const uint64_t bytes = segment->bytes();
  Removal removal;
  removal.marks = std::move(living->marks);
  removal.segments.push_back(segment);
  PS_TRY_VOID(Remove(state, removal));
  StoreMetrics::Get().cleaned.Add();
  log::Write(log::kInfo, "segment is cleaned",
             {{"segment", segment->path().string()}, {"bytes", bytes}});
  return {};
}

Status StoreImpl::CleanLane(LaneState& state, CleaningRound& round) {
  for (const auto& segment : state.lane->segments().All()) {
    if (segment->header().retention_class == kMetaClass || !segment->sealed()) continue;
    if (segment->next_clean_ms > round.now_ms) continue;
    if (options_.clean_at > 0 && round.looks++ >= kLooks) return {};
    const Status cleaned = CleanSegment(state, segment, round);
    if (!cleaned.ok() && cleaned.error().code() == ErrorCode::kCorruption) {
      // It stays as it is, for `store check`.
      segment->next_clean_ms = std::numeric_limits<int64_t>::max();
      log::Write(log::kWarning, "segment cannot be cleaned",
                 {{"segment", segment->path().string()}, {"error", cleaned.error().ToString()}});
      continue;
    }
    PS_TRY_VOID(cleaned);
    if (round.ended) return {};
  }
  // Nothing is under way: what was copied takes no more room than it needs.
  state.lane->CloseCopies();
  return {};
}

Status StoreImpl::Clean(ServerTime now) {
  if (index_full_.load() || !IsSpaceWanted()) return {};
  CleaningRound round;
  round.now_ms = ToMs(now);
  for (const auto& state : lanes_) {
    if (state->lane->read_only() || round.ended) continue;
    PS_TRY_VOID(CleanLane(*state, round));
  }
  RefreshSpace();
  return {};
}

}  // namespace penstock::store
