// How a slot ends without an item: dropped, abandoned, or refused by a full disk.
//
// A gap for which there is no room is deferred: readers see it from RAM; it is stored with the next
// submission of its shard, ahead of it, or by the store's timer, or at the closing. A crash before
// that leaves a hole, which the next opening fills (fill_holes.cc). What readers have seen must not
// become another item then, so that an ordinal is reserved durably, in the segment of metadata,
// before the deferred gap is shown:  shown => stored or reserved.
#include "store/log/meta_records.h"
#include "store/shard_impl.h"
#include "store/slot_ending.h"

namespace penstock::store {

Task<Result<ItemHeader>> ShardImpl::Drop(NewItem item, GapReason reason) {
  const auto self = shared_from_this();
  auto taken = TakeSlot(item.slot);
  if (!taken.ok()) co_return std::move(taken).error();
  const uint64_t ordinal = taken->header.ordinal;
  {
    const std::lock_guard lock(mutex_);
    ItemHeader& header = taken->header;
    header.kind = item.kind;
    header.gap_reason = reason;
    header.flags = item.flags | kFlagDropped;
    header.producer_time = item.producer_time;
    header.duration = item.duration;
    header.body_bytes = static_cast<uint32_t>(item.body.size());
    header.meta_bytes = static_cast<uint32_t>(item.meta.size());
    SetRun(*taken, item.run);
    if (!item.track_set.empty()) {
      header.track_set = FindTrackSet(item, *taken)->record.header.number.index;
    }
    SlotState* const state = FindSlot(ordinal);
    CHECK(state != nullptr);
    WindowItem& remembered = state->item;
    remembered.header = header;
    remembered.body = std::move(item.body);
    remembered.meta = std::move(item.meta);
    LoosenBody(*state);
    ForgetBodies();
  }
  Oneshot<Result<ItemHeader>> done;
  EndWithGap(ordinal, ItemKind::kGap, reason,
             [done](Result<ItemHeader> header) { done.Set(std::move(header)); });
  auto header = co_await done;
  co_return header;
}

void ShardImpl::Abandon(uint64_t ordinal) {
  {
    const std::lock_guard lock(mutex_);
    SlotState* const state = FindSlot(ordinal);
    if (closed_ != nullptr || state == nullptr) return;
    SetPending(*state);
  }
  EndWithGap(ordinal, ItemKind::kAbandoned, GapReason::kNone, nullptr);
}

// The record of the hole that ends a slot; the item becomes what the window shows of it.
PendingRecord ShardImpl::MakeGap(SlotState& state, uint64_t ordinal, ItemKind kind,
                                 GapReason reason) {
  PendingRecord pending;
  pending.is_item = true;
  pending.item.shard = id_;
  pending.item.clock_run = state.clock_run;
  pending.item.retention_class = retention_hours_.load();
  ItemHeader& header = pending.item.header;
  const bool dropped = state.dropped();
  if (dropped) {
    header = state.item.header;
  } else {
    header.discontinuity_ordinal = runs_started_ == 0 ? 0 : runs_started_ - 1;
  }
  header.kind = kind;
  header.gap_reason = reason;
  header.number = state.number;
  header.ordinal = ordinal;
  header.server_time = ServerTimeFromMs(state.number.server_ms);
  header.flags &= ~uint32_t{kFlagDropped};
  header.body_bytes = 0;
  header.meta_bytes = 0;
  if (dropped) return pending;
  if (state.told()) ++live_changes_;
  state.item = WindowItem{header, {}, {}};
  return pending;
}

// Writes the hole that ends a pending slot. What was remembered of the item (Drop) stays in the
// slot, then in the window.
void ShardImpl::EndWithGap(uint64_t ordinal, ItemKind kind, GapReason reason,
                           std::function<void(Result<ItemHeader>)> done) {
  Submission submission;
  PendingRecord gap;
  ItemHeader result;
  bool closed = false;
  {
    const std::lock_guard lock(mutex_);
    SlotState* const state = closed_ == nullptr ? FindSlot(ordinal) : nullptr;
    closed = state == nullptr;
    if (!closed) {
      gap = MakeGap(*state, ordinal, kind, reason);
      result = state->item.header;
      submission.retention_class = gap.item.retention_class;
      if (submission.retention_class > 0)
        submission.records = TakeDeferred(submission.retention_class);
    }
  }
  if (closed) {
    if (done) done(Error(ErrorCode::kClosed, "the shard is closed"));
    return;
  }
  if (submission.retention_class == 0) {
    Complete(ordinal);
    if (done) done(result);
    return;
  }
  std::vector<uint64_t> deferred = OrdinalsOf(submission.records);
  submission.records.push_back(gap);
  submission.done = [self = shared_from_this(), ordinal, result, gap = std::move(gap),
                     deferred = std::move(deferred), done = std::move(done)](Status status) {
    self->EndDeferred(deferred, status);
    const auto end = [done, result] {
      if (done) done(result);
    };
    if (status.ok()) {
      self->Complete(ordinal);
      end();
    } else if (IsRefusal(status.error().code())) {
      // No room even for this: it is written when there is.
      self->Defer(gap, end);
    } else if (done) {
      done(status.error());
    }
  };
  context_->lane->Submit(std::move(submission));
}

void ShardImpl::Defer(const PendingRecord& gap, std::function<void()> then) {
  const uint64_t ordinal = gap.item.header.ordinal;
  bool reserved = false;
  {
    const std::lock_guard lock(mutex_);
    DeferredGap& deferred = deferred_[ordinal];
    deferred.record = gap.item;
    deferred.hidden = true;
    reserved = ordinal < ReservedEnd();
  }
  if (reserved) {
    ShowDeferred(ordinal);
    then();
    return;
  }
  Submission submission;
  PendingRecord record;
  const uint64_t end = ordinal + kReservedOrdinals;
  record.record = MakeReservationRecord(id_, end);
  submission.records.push_back(std::move(record));
  const auto told = std::make_shared<std::function<void()>>(std::move(then));
  submission.when_durable = [self = shared_from_this(), ordinal, end, told] {
    // Not by its fold only, which may wait long: it is a promise from now on.
    self->FoldReservation(end);
    self->ShowDeferred(ordinal);
    std::exchange(*told, nullptr)();
  };
  submission.done = [told](const Status&) {
    // Without room even for metadata it stays hidden until it is stored.
    if (*told) (*told)();
  };
  context_->lane->Submit(std::move(submission));
}

void ShardImpl::ShowDeferred(uint64_t ordinal) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = deferred_.find(ordinal);
    if (found == deferred_.end() || !found->second.hidden) return;
    found->second.hidden = false;
  }
  Complete(ordinal);
}

std::vector<uint64_t> ShardImpl::OpenReserved() {
  const int64_t now = ToMs(context_->clock->Now());
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> opened;
  for (; next_ordinal_ < state_.reserved; ++next_ordinal_) {
    opened.push_back(next_ordinal_);
    slots_.push_back(MakeSlot(now));
    SetPending(slots_.back());
  }
  return opened;
}

void ShardImpl::EndReserved(uint64_t ordinal, GapReason reason,
                            std::function<void(Result<ItemHeader>)> done) {
  EndWithGap(ordinal, ItemKind::kGap, reason, std::move(done));
}

void ShardImpl::DeferGaps(const std::vector<PendingRecord>& gaps) {
  const std::lock_guard lock(mutex_);
  for (const PendingRecord& gap : gaps) {
    // A trim may have been quicker.
    if (gap.item.header.ordinal < state_.low_water) continue;
    deferred_[gap.item.header.ordinal].record = gap.item;
  }
}

std::vector<PendingRecord> ShardImpl::TakeDeferred(uint32_t retention_class) {
  std::vector<PendingRecord> out;
  for (auto& [ordinal, gap] : deferred_) {
    if (gap.submitted) continue;
    gap.submitted = true;
    PendingRecord& pending = out.emplace_back();
    pending.is_item = true;
    pending.item = gap.record;
    pending.item.retention_class = retention_class;
  }
  return out;
}

// Rows of the index have taken their place, or they wait again.
void ShardImpl::EndDeferred(const std::vector<uint64_t>& ordinals, const Status& status) {
  std::vector<uint64_t> seen;
  {
    const std::lock_guard lock(mutex_);
    for (const uint64_t ordinal : ordinals) {
      const auto found = deferred_.find(ordinal);
      if (found == deferred_.end()) continue;
      if (status.ok()) {
        if (found->second.hidden) seen.push_back(ordinal);
        deferred_.erase(found);
      } else {
        found->second.submitted = false;
      }
    }
  }
  for (const uint64_t ordinal : seen) Complete(ordinal);
}

void ShardImpl::SubmitDeferred() {
  Submission submission;
  submission.retention_class = retention_hours_.load();
  std::vector<uint64_t> live_only;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ != nullptr) return;
    if (submission.retention_class > 0) {
      submission.records = TakeDeferred(submission.retention_class);
    } else {
      // Nothing more is written of it, and no ordinal of it comes again.
      for (const auto& [ordinal, gap] : deferred_) {
        if (gap.hidden) live_only.push_back(ordinal);
      }
    }
  }
  for (const uint64_t ordinal : live_only) ShowDeferred(ordinal);
  if (submission.records.empty()) return;
  submission.done = [self = shared_from_this(), deferred = OrdinalsOf(submission.records)](
                        Status status) { self->EndDeferred(deferred, status); };
  context_->lane->Submit(std::move(submission));
}

std::vector<uint64_t> ShardImpl::OrdinalsOf(const std::vector<PendingRecord>& records) {
  std::vector<uint64_t> out;
  out.reserve(records.size());
  for (const PendingRecord& record : records) out.push_back(record.item.header.ordinal);
  return out;
}

std::vector<ItemHeader> ShardImpl::DeferredFrom(uint64_t from, uint64_t end) const {
  std::vector<ItemHeader> out;
  for (auto at = deferred_.lower_bound(from); at != deferred_.end() && at->first < end; ++at)
    out.push_back(at->second.record.header);
  return out;
}

}  // namespace penstock::store
