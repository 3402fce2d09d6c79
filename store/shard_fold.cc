// What the log does to a shard: folding, visibility after a start, retention.
#include <algorithm>

#include "base/limits.h"
#include "store/shard_impl.h"

namespace penstock::store {
namespace {

constexpr size_t kPageItems = 256;

}  // namespace

ShardImpl::ShardImpl(std::shared_ptr<ShardContext> context, ShardState state,
                     uint32_t retention_hours, uint64_t max_bytes)
    : context_(std::move(context)),
      id_(state.shard),
      retention_hours_(retention_hours),
      state_(std::move(state)),
      window_(context_->window_bytes) {
  FoldRetention(retention_hours, max_bytes);
}

ShardImpl::~ShardImpl() = default;

void ShardImpl::FoldItem(const StoredItem& item, IndexBatch& rows) {
  if (item.record.is_track_set()) {
    rows.PutTrackSet(item);
    return;
  }
  const std::lock_guard lock(mutex_);
  state_.Apply(item.record);
  const ItemHeader& header = item.record.header;
  const bool hidden = header.ordinal < state_.low_water;
  if (hidden && !HoldsLocked(header)) return;
  rows.PutItem(item);
  if (hidden) return;
  const auto deferred = deferred_.find(header.ordinal);
  if (deferred != deferred_.end()) deferred->second.folded = true;
  // A deferred gap may have expired before there was room for it.
  if (header.ordinal < mark_) ++hidden_items_;
}

Status ShardImpl::FoldCopy(const StoredItem& item, IndexBatch& rows) {
  const ItemHeader& header = item.record.header;
  const auto known = context_->index->GetItem(id_, header.ordinal);
  if (!known.ok() && known.error().code() != ErrorCode::kNotFound) return known.error();
  if (!known.ok()) {
    FoldItem(item, rows);
    return {};
  }
  if (known->record.header.number != header.number) return {};
  const std::lock_guard lock(mutex_);
  if (header.ordinal >= state_.low_water || HoldsLocked(header)) rows.PutItem(item);
  return {};
}

bool ShardImpl::Keeps(const ItemHeader& item) const {
  const std::lock_guard lock(mutex_);
  return item.ordinal >= mark_ || HoldsLocked(item);
}

Status ShardImpl::FoldLowWater(uint64_t ordinal, IndexBatch& rows) {
  const std::lock_guard lock(mutex_);
  if (ordinal <= state_.low_water) return {};
  uint64_t items = 0;
  uint64_t bytes = 0;
  uint64_t erased = state_.low_water;  // or held: all before it
  for (uint64_t from = state_.low_water; from < ordinal;) {
    PS_TRY(const std::vector<StoredItem> page,
           context_->index->ListItems(id_, from, ordinal, kPageItems));
    if (page.empty()) break;
    for (const StoredItem& item : page) {
      const ItemHeader& header = item.record.header;
      ++items;
      bytes += header.body_bytes;
      if (!HoldsLocked(header)) {
        rows.EraseTimes(item.record);
        continue;
      }
      rows.EraseItems(id_, erased, header.ordinal);
      erased = header.ordinal + 1;
      if (header.ordinal < mark_) continue;  // an island already
      islands_.Add(item.record);
      ++held_changes_;
    }
    from = page.back().record.header.ordinal + 1;
  }
  rows.EraseItems(id_, erased, ordinal);
  state_.items -= std::min(state_.items, items);
  state_.body_bytes -= std::min(state_.body_bytes, bytes);
  state_.ApplyLowWater(ordinal);
  deferred_.erase(deferred_.begin(), deferred_.lower_bound(ordinal));
  if (ordinal >= mark_) {
    hidden_items_ = 0;
    hidden_bytes_ = 0;
    if (ordinal > mark_) oldest_.reset();
    mark_ = ordinal;
  } else {
    hidden_items_ -= std::min(hidden_items_, items);
    hidden_bytes_ -= std::min(hidden_bytes_, bytes);
  }
  return {};
}

void ShardImpl::FoldReservation(uint64_t end) {
  const std::lock_guard lock(mutex_);
  state_.ApplyReservation(end);
}

void ShardImpl::FoldReservationEnd(uint64_t end) {
  const std::lock_guard lock(mutex_);
  state_.ApplyReservationEnd(end);
}

void ShardImpl::FoldRetention(uint32_t hours, uint64_t max_bytes) {
  retention_hours_.store(hours);
  const std::lock_guard lock(mutex_);
  max_bytes_ = max_bytes;
  window_.SetBytesMax(hours == 0 ? limits::kLiveOnlyWindows * context_->window_bytes
                                 : context_->window_bytes);
}

void ShardImpl::PutState(IndexBatch& rows) const {
  const std::lock_guard lock(mutex_);
  rows.PutShard(state_);
}

ShardState ShardImpl::CopyState() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void ShardImpl::StartServing() {
  const std::lock_guard lock(mutex_);
  next_ordinal_ = std::max(state_.next_ordinal, state_.low_water);
  runs_started_ = state_.runs_started;
  if (retention_hours_.load() == 0) {
    // The log does not tell how far the last owner came, but viewers have seen it: an ordinal must
    // not name two fragments. Less than one a second was used.
    const auto unused =
        static_cast<uint64_t>(std::max<int64_t>(ToMs(context_->clock->Now()), 0)) / 1000;
    next_ordinal_ = std::max({next_ordinal_, state_.reserved, unused});
    runs_started_ = std::max(runs_started_, unused);
  }
  window_.SetEnd(next_ordinal_);
  mark_ = state_.low_water;
  clock_run_ = state_.first_clock_run;
  if (state_.clock_runs.empty()) return;
  clock_run_ += static_cast<uint32_t>(state_.clock_runs.size() - 1);
  last_ms_ = state_.clock_runs.back().last_ms;
}

void ShardImpl::Close(const char* why) {
  std::vector<std::shared_ptr<Waiter>> due;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ != nullptr) return;
    closed_ = why;
    due = TakeDueWaiters(true);
  }
  for (const auto& waiter : due) waiter->done.Set(Error(ErrorCode::kClosed, why));
}

Status ShardImpl::CheckOpen() const {
  if (closed_ == nullptr) return {};
  return Error(ErrorCode::kClosed, closed_);
}

std::vector<std::shared_ptr<ShardImpl::Waiter>> ShardImpl::TakeDueWaiters(bool all) {
  std::vector<std::shared_ptr<Waiter>> due;
  const auto end = all ? waiters_.end() : waiters_.lower_bound(window_.end());
  for (auto at = waiters_.begin(); at != end; ++at) {
    at->second->ended = true;
    due.push_back(at->second);
  }
  waiters_.erase(waiters_.begin(), end);
  return due;
}

uint64_t ShardImpl::mark() const {
  const std::lock_guard lock(mutex_);
  return mark_;
}

uint64_t ShardImpl::durable_low_water() const {
  const std::lock_guard lock(mutex_);
  return state_.low_water;
}

uint64_t ShardImpl::Expire(ServerTime now) {
  const std::lock_guard lock(mutex_);
  return closed_ == nullptr ? ExpireLocked(ToMs(now)) : mark_;
}

// The first visible item at or after the mark: in the index, deferred, or in the window.
void ShardImpl::LoadOldest() const {
  if (oldest_.has_value()) return;
  const auto gap = deferred_.lower_bound(mark_);
  const uint64_t stored_end =
      gap == deferred_.end() ? window_.begin() : std::min(gap->first, window_.begin());
  if (mark_ < stored_end && state_.items > hidden_items_) {
    auto page = context_->index->ListItems(id_, mark_, stored_end, 1);
    if (page.ok() && !page->empty()) {
      oldest_ = std::move(page->front());
      return;
    }
  }
  if (stored_end < window_.begin()) {
    StoredItem deferred;
    deferred.record = gap->second.record;
    oldest_ = std::move(deferred);
    return;
  }
  const WindowItem* const item = window_.Find(std::max(mark_, window_.begin()));
  if (item == nullptr) return;
  StoredItem from_window;
  from_window.record.header = item->header;
  oldest_ = std::move(from_window);
}

uint64_t ShardImpl::ExpireLocked(int64_t now_ms) const {
  const uint32_t hours = retention_hours_.load();
  const auto expired = [&](const ItemHeader& header) {
    if (hours == 0) return header.ordinal < window_.begin();
    return state_.EffectiveMs(header.ordinal, header.number.server_ms) +
               int64_t{hours} * 3'600'000 <=
           now_ms;
  };
  const auto too_much = [&] {
    const uint64_t shown = state_.body_bytes - std::min(state_.body_bytes, hidden_bytes_);
    return hours > 0 && max_bytes_ > 0 && shown > max_bytes_;
  };
  const auto hide = [&](const ItemHeader& header, bool stored) {
    mark_ = header.ordinal + 1;
    if (!stored) return;
    ++hidden_items_;
    hidden_bytes_ += header.body_bytes;
    KeepHeld(header);
  };
  LoadOldest();
  while (oldest_.has_value() && (expired(oldest_->record.header) || too_much())) {
    const uint64_t at = oldest_->record.header.ordinal;
    oldest_.reset();
    const auto gap = deferred_.lower_bound(at);
    if (gap != deferred_.end() && gap->first == at) {
      hide(gap->second.record.header, gap->second.folded);
    } else if (at < window_.begin()) {
      const uint64_t end =
          gap == deferred_.end() ? window_.begin() : std::min(gap->first, window_.begin());
      const auto page = context_->index->ListItems(id_, at, end, kPageItems);
      if (!page.ok()) return mark_;  // Tried again with the next look.
      for (const StoredItem& item : *page) {
        if (!expired(item.record.header) && !too_much()) {
          oldest_ = item;
          return mark_;
        }
        hide(item.record.header, true);
      }
    } else {
      hide(window_.Find(at)->header, hours > 0);
    }
    LoadOldest();
  }
  if (hours == 0) mark_ = std::max(mark_, window_.begin());
  return mark_;
}

ShardStatus ShardImpl::GetStatus() const {
  const ServerTime now = context_->clock->Now();
  const std::lock_guard lock(mutex_);
  ShardStatus status;
  if (closed_ != nullptr) return status;
  ExpireLocked(ToMs(now));
  LoadOldest();
  status.next_ordinal = window_.end();
  status.live_end = LiveEnd();
  status.live_changes = live_changes_;
  status.oldest_ordinal = oldest_.has_value() ? oldest_->record.header.ordinal : window_.end();
  if (retention_hours_.load() == 0) {
    for (uint64_t ordinal = std::max(mark_, window_.begin()); ordinal < window_.end(); ++ordinal) {
      ++status.items;
      status.body_bytes += window_.Find(ordinal)->header.body_bytes;
    }
  } else {
    status.items = state_.items - std::min(state_.items, hidden_items_);
    for (auto at = deferred_.lower_bound(mark_); at != deferred_.end(); ++at) {
      if (!at->second.folded && at->first < window_.end()) ++status.items;
    }
    status.body_bytes = state_.body_bytes - std::min(state_.body_bytes, hidden_bytes_);
  }
  status.held = islands_.all();
  status.held_changes = held_changes_;
  if (!oldest_.has_value()) return status;
  status.oldest = oldest_->record.header;
  if (!newest_.has_value()) {
    // Nothing has come since the store was opened.
    const auto last = context_->index->GetItem(id_, window_.end() - 1);
    if (last.ok()) newest_ = last->record.header;
  }
  status.newest = newest_;
  return status;
}

}  // namespace penstock::store
