// Holds: what stays visible before the mark, and why.
//
// A hold works from the moment it is promised, in RAM, so that no mark passes it between that and
// the sync of its row; it reaches nothing that had been hidden before. Therefore what is visible
// follows from the mark and the holds alone, whichever of them the log has first.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "store/shard_impl.h"

namespace penstock::store {
namespace {

constexpr size_t kPageItems = 256;

bool Overlap(const HeldStretch& stretch, const Hold& hold) {
  return stretch.start < hold.end && stretch.end >= hold.start;
}

}  // namespace

bool ShardImpl::HoldsLocked(const ItemHeader& item) const {
  return std::any_of(holds_.begin(), holds_.end(),
                     [&](const auto& entry) { return entry.second.Covers(item); });
}

bool ShardImpl::Holds(const ItemHeader& item) const {
  const std::lock_guard lock(mutex_);
  return HoldsLocked(item);
}

bool ShardImpl::has_holds() const {
  const std::lock_guard lock(mutex_);
  return !holds_.empty();
}

// The mark has passed this item. What was never stored cannot be kept.
void ShardImpl::KeepHeld(const ItemHeader& hidden) const {
  if (holds_.empty() || !HoldsLocked(hidden)) return;
  const auto item = context_->index->GetItem(id_, hidden.ordinal);
  if (!item.ok()) return;
  islands_.Add(item->record);
  ++held_changes_;
}

bool ShardImpl::ShowsLocked(uint64_t ordinal, int64_t now_ms) const {
  return ordinal >= ExpireLocked(now_ms) || islands_.Contains(ordinal);
}

Shown ShardImpl::ShownLocked(int64_t now_ms) const {
  const uint64_t mark = ExpireLocked(now_ms);
  return Shown{mark, window_.end(), islands_};
}

uint64_t ShardImpl::Behind(uint64_t ordinal) const {
  const std::lock_guard lock(mutex_);
  const bool island_ends = islands_.Contains(ordinal) && !islands_.Contains(ordinal + 1);
  if (!island_ends) return ordinal + 1;
  return Shown{mark_, window_.end(), islands_}.From(ordinal + 1);
}

// Before the first island, between two, and between the last one and `from`, things have gone. The
// end of the last such stretch that reaches into the hold's range.
std::optional<ServerTime> ShardImpl::GoneBefore(const Hold& hold, uint64_t from) const {
  if (from == 0) return std::nullopt;
  ServerTime oldest = context_->clock->Now();
  const WindowItem* const newest = window_.Find(from);
  if (newest != nullptr) oldest = newest->header.server_time;
  const auto stored = context_->index->ListItems(id_, from, window_.begin(), 1);
  if (stored.ok() && !stored->empty()) oldest = stored->front().record.header.server_time;
  std::optional<ServerTime> gone;
  ServerTime since = ServerTime::min();
  const auto look = [&](ServerTime until) {
    if (since < hold.end && until > hold.start && since < until) gone = std::min(until, hold.end);
  };
  for (const HeldStretch& stretch : islands_.all()) {
    look(stretch.start);
    since = stretch.end;
  }
  look(oldest);
  return gone;
}

Result<HoldEntry> ShardImpl::PromiseHold(Hold hold) {
  const ServerTime now = context_->clock->Now();
  const std::lock_guard lock(mutex_);
  PS_TRY_VOID(CheckOpen());
  if (deleting_) return Error(ErrorCode::kConflict, "the stream is being deleted");
  if (holds_.size() >= limits::kHoldsPerStreamMax) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("{} has {} holds, which is the most there may be: release some",
                             hold.stream.text(), holds_.size()));
  }
  const uint64_t from = std::max(ExpireLocked(ToMs(now)), promised_mark_);
  hold.gone_before = GoneBefore(hold, from);
  HoldEntry entry{std::move(hold), id_, from, {}};
  for (const HeldStretch& stretch : islands_.all()) {
    if (Overlap(stretch, entry.hold))
      entry.earlier.push_back({stretch.first_ordinal, stretch.end_ordinal});
  }
  holds_.insert_or_assign(entry.hold.id, entry);
  return entry;
}

void ShardImpl::TakeBackHold(const std::string& id) {
  // Rows that stayed for it are seen by nobody, and the next opening removes them.
  IndexBatch rows;
  FoldRelease(id, rows);
}

void ShardImpl::FoldHold(HoldEntry entry) {
  const std::lock_guard lock(mutex_);
  const std::string id = entry.hold.id;
  holds_.insert_or_assign(id, std::move(entry));
}

void ShardImpl::FoldRelease(const std::string& id, IndexBatch& rows) {
  const std::lock_guard lock(mutex_);
  const auto released = holds_.extract(id);
  if (!released) return;
  Islands left;
  for (const HeldStretch& stretch : islands_.all()) {
    if (!Overlap(stretch, released.mapped().hold)) {
      left.Add(stretch);
      continue;
    }
    for (uint64_t from = stretch.first_ordinal; from < stretch.end_ordinal;) {
      const auto page = context_->index->ListItems(id_, from, stretch.end_ordinal, kPageItems);
      if (!page.ok()) {
        log::Write(log::kError, "rows of a released hold stay until the next start",
                   {{"shard", id_.ToString()}, {"error", page.error().ToString()}});
        break;
      }
      if (page->empty()) break;
      for (const StoredItem& item : *page) {
        const uint64_t ordinal = item.record.header.ordinal;
        if (HoldsLocked(item.record.header)) {
          left.Add(item.record);
        } else if (ordinal < state_.low_water) {
          rows.EraseTimes(item.record);
          rows.EraseItems(id_, ordinal, ordinal + 1);
        }
      }
      from = page->back().record.header.ordinal + 1;
    }
  }
  islands_ = std::move(left);
  ++held_changes_;
}

void ShardImpl::NoteMark(uint64_t ordinal) {
  const std::lock_guard lock(mutex_);
  promised_mark_ = std::max(promised_mark_, ordinal);
}

Status ShardImpl::BeginDeleting() {
  const std::lock_guard lock(mutex_);
  if (!holds_.empty()) {
    return Error(ErrorCode::kConflict,
                 fmt::format("it has {} hold{}, the first of which is {}: release {} first",
                             holds_.size(), holds_.size() == 1 ? "" : "s", holds_.begin()->first,
                             holds_.size() == 1 ? "it" : "them"));
  }
  deleting_ = true;
  return {};
}

void ShardImpl::EndDeleting() {
  const std::lock_guard lock(mutex_);
  deleting_ = false;
}

// A hold whose row a power cut took may have left rows.
Status ShardImpl::LoadIslands(IndexBatch& rows) {
  const std::lock_guard lock(mutex_);
  islands_ = Islands();
  for (uint64_t from = 0; from < state_.low_water;) {
    PS_TRY(const std::vector<StoredItem> page,
           context_->index->ListItems(id_, from, state_.low_water, kPageItems));
    if (page.empty()) break;
    for (const StoredItem& item : page) {
      const uint64_t ordinal = item.record.header.ordinal;
      if (HoldsLocked(item.record.header)) {
        islands_.Add(item.record);
      } else {
        rows.EraseTimes(item.record);
        rows.EraseItems(id_, ordinal, ordinal + 1);
      }
    }
    from = page.back().record.header.ordinal + 1;
  }
  return {};
}

}  // namespace penstock::store
