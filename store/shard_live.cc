// What a live picture goes on with while the disk is slow.
//
// Everybody else sees what is durable. A picture that is in memory does not have to wait for that,
// if its ordinal can never be that of another one: as for the gaps of a full disk,
// shown => stored or reserved. While an item waits too long, the shard keeps so many ordinals
// reserved that the next reservation is durable before they are used up.
#include <algorithm>

#include "store/log/meta_records.h"
#include "store/shard_impl.h"

namespace penstock::store {
namespace {

// A player has as much in its buffer; the log of a disk that keeps up answers in a hundredth of it.
constexpr std::chrono::seconds kSlow{1};

}  // namespace

void ShardImpl::SetPending(SlotState& state) const {
  state.phase = SlotState::Phase::kPending;
  state.pending_since = context_->clock->SteadyNow();
}

bool ShardImpl::LogIsSlow() const {
  // In the order of the ordinals, which is that of the log. Nobody waits for an abandoned slot.
  const auto waits = std::find_if(slots_.begin(), slots_.end(), [](const SlotState& state) {
    return state.phase == SlotState::Phase::kPending && state.told() &&
           state.item.header.kind != ItemKind::kAbandoned;
  });
  return waits != slots_.end() && context_->clock->SteadyNow() - waits->pending_since > kSlow;
}

bool ShardImpl::MustReserveAhead() const {
  return !reserving_ && !released_ && state_.reserved < next_ordinal_ + reserve_ahead_ / 2 &&
         LogIsSlow();
}

void ShardImpl::ReserveAhead() {
  uint64_t begin = 0;
  uint64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ != nullptr || reserving_ || released_) return;
    reserving_ = true;
    begin = next_ordinal_;
    end = begin + reserve_ahead_;
  }
  Submission submission;
  PendingRecord record;
  record.record = MakeReservationRecord(id_, end);
  submission.records.push_back(std::move(record));
  submission.urgent = true;
  // Not by its fold only, which may wait long: it is a promise from now on.
  submission.when_durable = [self = shared_from_this(), end] { self->FoldReservation(end); };
  submission.done = [self = shared_from_this(), begin](const Status&) {
    const std::lock_guard lock(self->mutex_);
    self->reserving_ = false;
    const uint64_t used = self->next_ordinal_ - begin;
    self->reserve_ahead_ = std::clamp(4 * used, kReservedAheadMin, kReservedAheadMax);
  };
  context_->lane->Submit(std::move(submission));
}

// A clean start would find gaps in place of what was reserved for nothing. The record stands behind
// all that was submitted, a reservation on its way included. From here on nothing is shown for its
// sake, though it may be long before the record is durable.
void ShardImpl::ReleaseReserved() {
  Submission submission;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ != nullptr || released_) return;
    const uint64_t end = LiveEnd();
    if (!reserving_ && state_.reserved <= end) return;
    released_ = end;
    PendingRecord record;
    record.record = MakeReservationEndRecord(id_, *released_);
    submission.records.push_back(std::move(record));
  }
  context_->lane->Submit(std::move(submission));
}

uint64_t ShardImpl::ReservedEnd() const {
  return std::min(state_.reserved, released_.value_or(state_.reserved));
}

uint64_t ShardImpl::LiveEnd() const {
  uint64_t end = window_.end();
  for (const SlotState& state : slots_) {
    if (end >= ReservedEnd() || !state.told()) break;
    ++end;
  }
  return end;
}

const WindowItem* ShardImpl::FindInMemory(uint64_t ordinal) {
  const WindowItem* const visible = window_.Find(ordinal);
  if (visible != nullptr) return visible;
  const SlotState* const state = FindSlot(ordinal);
  return state != nullptr && state->told() ? &state->item : nullptr;
}

std::vector<ItemRef> ShardImpl::FindLive(uint64_t from, size_t limit) {
  const ServerTime now = context_->clock->Now();
  const std::lock_guard lock(mutex_);
  std::vector<ItemRef> out;
  if (closed_ != nullptr || from < window_.begin()) return out;
  const uint64_t end = LiveEnd();
  for (uint64_t at = std::max(from, ExpireLocked(ToMs(now))); at < end && out.size() < limit; ++at)
    out.push_back({id_, FindInMemory(at)->header});
  return out;
}

}  // namespace penstock::store
