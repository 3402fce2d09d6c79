// After a crash: ordinals that were given out and never ended, though later ones were acknowledged;
// and those that readers may have seen as gaps while the disk was full.
#include <algorithm>

#include "base/log.h"
#include "store/log/segment_register.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

constexpr uint64_t kPageItems = 256;
constexpr size_t kRecordsPerSubmission = 512;

// What stands in the place of `ordinal`: its slot, abandoned. The slot was opened by the same owner
// as the item behind it, so that its number is known; its time is taken from there, too.
PendingRecord MakeAbandoned(uint64_t ordinal, const ItemRecord& next, uint32_t hours) {
  PendingRecord pending;
  pending.is_item = true;
  ItemRecord& record = pending.item;
  record.shard = next.shard;
  record.clock_run = next.clock_run;
  record.retention_class = hours;
  ItemHeader& header = record.header;
  header.kind = ItemKind::kAbandoned;
  header.number.index = MakeIndex(EpochOfIndex(next.header.number.index), ordinal);
  header.number.server_ms = next.header.number.server_ms;
  header.server_time = next.header.server_time;
  header.ordinal = ordinal;
  const bool next_starts_run = (next.header.flags & kFlagStartsRun) != 0;
  header.discontinuity_ordinal = next.header.discontinuity_ordinal -
                                 (next_starts_run && next.header.discontinuity_ordinal > 0 ? 1 : 0);
  return pending;
}

}  // namespace

// From the newest backwards: that is where a crash leaves them. Costs nothing when there are none.
// Those between two items that may have stood in a missing segment are left.
Result<std::vector<PendingRecord>> ShardImpl::FindHoles(std::span<const SegmentRecord> lost) const {
  const ShardState state = CopyState();
  std::vector<PendingRecord> holes;
  if (state.next_ordinal <= state.low_water) return holes;
  const uint64_t ordinals = state.next_ordinal - state.low_water;
  uint64_t missing = ordinals - std::min(ordinals, state.items);
  std::optional<ItemRecord> next;
  size_t stretch = 0;  // of `holes`, at its end: those right before `next`
  const auto end_stretch = [&](uint64_t epoch_before) {
    const bool left = next.has_value() && stretch > 0 && MayHoldItemsOf(lost, epoch_before);
    if (left) holes.resize(holes.size() - stretch);
    stretch = 0;
  };
  for (uint64_t end = state.next_ordinal; (missing > 0 || stretch > 0) && end > state.low_water;) {
    const uint64_t from = end - std::min(end - state.low_water, kPageItems);
    PS_TRY(std::vector<StoredItem> page,
           context_->index->ListItems(id_, from, end, static_cast<size_t>(end - from)));
    while (end > from) {
      --end;
      if (!page.empty() && page.back().record.header.ordinal == end) {
        end_stretch(EpochOfIndex(page.back().record.header.number.index));
        next = std::move(page.back().record);
        page.pop_back();
      } else if (next.has_value()) {
        holes.push_back(MakeAbandoned(end, *next, retention_hours_.load()));
        ++stretch;
        --missing;
      }
      if (missing == 0 && stretch == 0) break;
    }
  }
  end_stretch(0);
  std::reverse(holes.begin(), holes.end());
  return holes;
}

// Ordinals are dense for every reader: a hole that a crash left is abandoned, durably, before
// anyone reads. A crash in between leaves fewer holes for the next opening. Damage is not papered
// over: what is missing for that reason stays missing.
Status StoreImpl::FillHoles(const std::vector<LaneLog>& logs) {
  for (const auto& [id, shard] : shards_) {
    const LaneLog& log = logs[shard->lane()];
    const bool damaged = std::any_of(log.findings.begin(), log.findings.end(),
                                     [](const auto& finding) { return finding.harmful; });
    if (shard->retention_hours() == 0) continue;
    if (!damaged) PS_TRY_VOID(FillHoles(*shard, log.missing));
    PS_TRY_VOID(EndReserved(*shard));
  }
  return {};
}

Status StoreImpl::FillHoles(ShardImpl& shard, std::span<const SegmentRecord> lost) {
  PS_TRY(std::vector<PendingRecord> holes, shard.FindHoles(lost));
  if (holes.empty()) return {};
  log::Write(log::kInfo, "slots were open at a crash",
             {{"shard", shard.id().ToString()}, {"items", holes.size()}});
  for (size_t at = 0; at < holes.size(); at += kRecordsPerSubmission) {
    Submission submission;
    submission.retention_class = shard.retention_hours();
    const size_t end = std::min(holes.size(), at + kRecordsPerSubmission);
    submission.records.assign(holes.begin() + static_cast<std::ptrdiff_t>(at),
                              holes.begin() + static_cast<std::ptrdiff_t>(end));
    const std::vector<PendingRecord> again = submission.records;
    std::vector<Submission> one;
    one.push_back(std::move(submission));
    const Status status = SubmitAndWait(*lanes_[shard.lane()]->lane, std::move(one));
    if (status.ok()) continue;
    if (!IsRefusal(status.error().code())) return status;
    // No room even for this: they are written when there is.
    shard.DeferGaps(again);
  }
  return {};
}

// What viewers may have seen stays a gap; new items come behind it. Of a disk that is full it was
// most likely what that refused, else what a slow one had not taken when the server ended.
Status StoreImpl::EndReserved(ShardImpl& shard) {
  const std::vector<uint64_t> ordinals = shard.OpenReserved();
  if (ordinals.empty()) return {};
  const GapReason reason = full_.load() ? GapReason::kDiskFull : GapReason::kRestart;
  log::Write(log::kInfo, "items were shown that are not stored",
             {{"shard", shard.id().ToString()}, {"items", ordinals.size()}});
  std::mutex mutex;
  std::condition_variable wake;
  size_t left = ordinals.size();
  Status result;
  for (const uint64_t ordinal : ordinals) {
    shard.EndReserved(ordinal, reason, [&](const Result<ItemHeader>& ended) {
      const std::lock_guard lock(mutex);
      if (!ended.ok() && result.ok()) result = ended.error();
      if (--left == 0) wake.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  // Nobody else looks for the index's room before the store is open.
  while (!wake.wait_for(lock, std::chrono::seconds(1), [&] { return left == 0; })) {
    lock.unlock();
    ResumeIndex();
    lock.lock();
  }
  return result;
}

}  // namespace penstock::store
