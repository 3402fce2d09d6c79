// The owner's side of a shard: slots, appends, gaps.
#include <algorithm>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/limits.h"
#include "base/random.h"
#include "store/metrics.h"
#include "store/shard_impl.h"
#include "store/slot_ending.h"

namespace penstock::store {
namespace {

// A clock may lag behind the last server time by this much before a new clock run begins (DESIGN
// §5).
constexpr int64_t kClockFallMs = 10'000;
// Track sets remembered by content, for cameras that switch between a few.
constexpr size_t kTrackSetsKept = 4;

bool SameContent(const TrackSetUse& use, const NewItem& item) {
  return AsText(use.body) == AsText(item.track_set) &&
         AsText(use.meta) == AsText(item.track_set_meta);
}

}  // namespace

Slot::Slot(Slot&& other) noexcept
    : number_(other.number_),
      ordinal_(other.ordinal_),
      server_time_(other.server_time_),
      ending_(std::move(other.ending_)) {}

Slot& Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  if (ending_) ending_->Abandon();
  number_ = other.number_;
  ordinal_ = other.ordinal_;
  server_time_ = other.server_time_;
  ending_ = std::move(other.ending_);
  return *this;
}

Slot::~Slot() {
  if (ending_) ending_->Abandon();
}

ShardImpl::SlotState ShardImpl::MakeSlot(int64_t now_ms) {
  if (now_ms < last_ms_ - kClockFallMs) {
    ++clock_run_;
    last_ms_ = now_ms;
  }
  last_ms_ = std::max(last_ms_, now_ms);
  SlotState state;
  state.number.index = MakeIndex(context_->lane->epoch(), next_ordinal_);
  state.number.server_ms = last_ms_;
  state.number.salt = static_cast<uint32_t>(RandomU64() & 0xfffffff);
  state.clock_run = clock_run_;
  return state;
}

Result<Slot> ShardImpl::OpenSlot() {
  const int64_t now = ToMs(context_->clock->Now());
  const bool stored = retention_hours_.load() > 0;
  std::unique_lock lock(mutex_);
  PS_TRY_VOID(CheckOpen());
  if (context_->lane->read_only()) {
    StoreMetrics::Get().refused_fenced.Add();
    return Error(ErrorCode::kFenced, "the log is read-only after a disk error: restart to recover");
  }
  if (stored && deferred_.size() >= kDeferredGapsMax) {
    lock.unlock();
    SubmitDeferred();
    StoreMetrics::Get().refused_full.Add();
    return Error(ErrorCode::kFull, "there is no room for the next segment");
  }
  if (slots_.size() >= kOpenSlotsMax ||
      (stored && context_->lane->pending_bytes() > limits::kPendingBytesMax)) {
    StoreMetrics::Get().refused_throttled.Add();
    return Error(ErrorCode::kThrottled, "too much waits for the log");
  }
  SlotState state = MakeSlot(now);
  Slot slot;
  slot.number_ = state.number;
  slot.ordinal_ = next_ordinal_;
  slot.server_time_ = ServerTimeFromMs(last_ms_);
  slot.ending_ = std::make_shared<Slot::Ending>(weak_from_this(), next_ordinal_);
  slots_.push_back(std::move(state));
  ++next_ordinal_;
  const bool reserve = stored && MustReserveAhead();
  lock.unlock();
  if (reserve) ReserveAhead();
  return slot;
}

ShardImpl::SlotState* ShardImpl::FindSlot(uint64_t ordinal) {
  const uint64_t first = window_.end();
  if (ordinal < first || ordinal - first >= slots_.size()) return nullptr;
  return &slots_[ordinal - first];
}

Result<ItemRecord> ShardImpl::TakeSlot(Slot& slot) {
  if (!slot.open() || !slot.ending_->IsOf(this)) {
    return Error(ErrorCode::kInvalidArgument, "an append needs an open slot of its shard");
  }
  const std::lock_guard lock(mutex_);
  PS_TRY_VOID(CheckOpen());
  SlotState* const state = FindSlot(slot.ordinal());
  CHECK(state != nullptr);
  CHECK(state->phase == SlotState::Phase::kOpen);
  SetPending(*state);
  slot.ending_.reset();
  ItemRecord record;
  record.shard = id_;
  record.header.number = state->number;
  record.header.ordinal = slot.ordinal();
  record.header.server_time = slot.server_time();
  record.clock_run = state->clock_run;
  return record;
}

void ShardImpl::SetRun(ItemRecord& record, RunId run) {
  ItemHeader& header = record.header;
  if (run == 0) {
    run = header.number.index;
    header.flags |= kFlagStartsRun;
    ++runs_started_;
  }
  runs_started_ = std::max<uint64_t>(runs_started_, 1);
  header.run = run;
  header.discontinuity_ordinal = runs_started_ - 1;
}

std::shared_ptr<TrackSetUse> ShardImpl::FindTrackSet(const NewItem& item,
                                                     const ItemRecord& record) {
  for (size_t i = 0; i < track_sets_.size(); ++i) {
    if (!SameContent(*track_sets_[i], item)) continue;
    std::rotate(track_sets_.begin() + static_cast<std::ptrdiff_t>(i),
                track_sets_.begin() + static_cast<std::ptrdiff_t>(i) + 1, track_sets_.end());
    return track_sets_.back();
  }
  auto use = std::make_shared<TrackSetUse>();
  use->body = item.track_set;
  use->meta = item.track_set_meta;
  ItemHeader& header = use->record.header;
  header.kind = ItemKind::kTrackSet;
  header.number = record.header.number;
  header.server_time = record.header.server_time;
  header.body_bytes = static_cast<uint32_t>(use->body.size());
  header.meta_bytes = static_cast<uint32_t>(use->meta.size());
  use->record.shard = id_;
  use->record.clock_run = record.clock_run;
  use->record.retention_class = record.retention_class;
  use->record.body_crcs = BodyCrcs(use->body.span());
  use->record.meta_crc = Crc32c(use->meta);
  track_sets_.push_back(use);
  if (track_sets_.size() > kTrackSetsKept) track_sets_.erase(track_sets_.begin());
  return use;
}

Task<void> ShardImpl::LoadNewestTrackSet() {
  uint64_t newest = 0;
  {
    const std::lock_guard lock(mutex_);
    if (track_sets_loaded_ || closed_ != nullptr) co_return;
    track_sets_loaded_ = true;
    if (state_.next_ordinal == 0) co_return;
  }
  const auto self = shared_from_this();
  const auto load = ShardContext::Guarded(context_, [self]() -> Result<StoredItem> {
    PS_TRY(std::vector<StoredItem> sets, self->context_->index->ListTrackSets(self->id_));
    if (sets.empty()) return Error(ErrorCode::kNotFound, "no track set yet");
    return std::move(sets.back());
  });
  auto stored = co_await RunBlocking(*context_->readers, load);
  if (!stored.ok()) co_return;
  newest = stored->record.header.number.index;
  const auto read =
      ShardContext::Guarded(context_, [self, newest] { return self->ReadTrackSet(newest); });
  auto set = co_await RunBlocking(*context_->readers, read);
  // An unreadable one is not reused: the next fragment brings a new one.
  if (!set.ok()) co_return;
  auto use = std::make_shared<TrackSetUse>();
  use->record = std::move(stored->record);
  use->body = std::move(set->body);
  use->meta = std::move(set->meta);
  const std::lock_guard lock(mutex_);
  if (track_sets_.empty()) track_sets_.push_back(std::move(use));
}

Task<Result<ItemHeader>> ShardImpl::Append(NewItem item) {
  const auto self = shared_from_this();
  const size_t track_set_bytes = item.track_set.size() + item.track_set_meta.size();
  if (item.body.size() > limits::kFragmentBytesMax ||
      item.meta.size() > limits::kItemMetaBytesMax || track_set_bytes > limits::kItemMetaBytesMax) {
    // The slot goes down with the item and is abandoned.
    co_return Error(ErrorCode::kTooLarge,
                    fmt::format("an item of {} + {} bytes", item.body.size(), item.meta.size()));
  }
  const uint32_t hours = retention_hours_.load();
  if (!item.track_set.empty()) co_await LoadNewestTrackSet();
  auto taken = TakeSlot(item.slot);
  if (!taken.ok()) co_return std::move(taken).error();

  const bool refused = hours > 0 && context_->full.load();
  ItemRecord& record = *taken;
  ItemHeader& header = record.header;
  header.kind = item.kind;
  header.gap_reason = item.gap_reason;
  header.flags = item.flags;
  header.producer_time = item.producer_time;
  header.duration = item.duration;
  header.body_bytes = static_cast<uint32_t>(item.body.size());
  header.meta_bytes = static_cast<uint32_t>(item.meta.size());
  record.retention_class = hours;
  if (hours > 0 && !refused) {
    record.body_crcs = BodyCrcs(item.body);
    record.meta_crc = item.meta.empty() ? 0 : Crc32c(item.meta);
  }
  PendingRecord pending;
  {
    const std::lock_guard lock(mutex_);
    if (item.kind == ItemKind::kFragment || item.kind == ItemKind::kRecord) {
      SetRun(record, item.run);
    } else {
      header.run = item.run;
      header.discontinuity_ordinal = runs_started_ == 0 ? 0 : runs_started_ - 1;
    }
    if (!item.track_set.empty()) {
      pending.track_set = FindTrackSet(item, record);
      header.track_set = pending.track_set->record.header.number.index;
    }
  }
  const uint64_t ordinal = header.ordinal;
  const ItemHeader result = header;
  WindowItem remembered;
  remembered.header = header;
  remembered.body = item.body;
  remembered.meta = item.meta;
  Submission submission;
  {
    const std::lock_guard lock(mutex_);
    SlotState* const state = FindSlot(ordinal);
    CHECK(state != nullptr);
    state->item = std::move(remembered);
    if (hours > 0 && !refused) submission.records = TakeDeferred(hours);
  }
  if (hours == 0) {
    Complete(ordinal);
    co_return result;
  }
  Oneshot<Status> done;
  if (refused) {
    EndRefused(ordinal, Error(ErrorCode::kFull, "the volume is full"), done);
    const Status status = co_await done;
    co_return status.error();
  }
  pending.is_item = true;
  pending.item = std::move(record);
  pending.body = std::move(item.body);
  pending.meta = std::move(item.meta);
  std::vector<uint64_t> deferred = OrdinalsOf(submission.records);
  submission.retention_class = hours;
  submission.records.push_back(std::move(pending));
  submission.done = [self, ordinal, done, deferred = std::move(deferred)](Status status) {
    self->EndDeferred(deferred, status);
    if (!status.ok() && IsRefusal(status.error().code())) {
      self->EndRefused(ordinal, status.error(), done);
      return;
    }
    if (status.ok()) {
      self->Complete(ordinal);
      self->SubmitDeferred();  // of appends that were refused while this one was on its way
    }
    done.Set(std::move(status));
  };
  context_->lane->Submit(std::move(submission));
  const Status status = co_await done;
  if (!status.ok()) co_return status.error();
  co_return result;
}

// The ordinal was promised: it becomes a hole that says why, and the refusal is told once readers
// see it. A fragment plays from the window meanwhile, so that whoever watches goes on; a record is
// sent again by its producer, and nobody may see it twice.
void ShardImpl::EndRefused(uint64_t ordinal, const Error& why, Oneshot<Status> done) {
  const bool full = why.code() == ErrorCode::kFull;
  (full ? StoreMetrics::Get().refused_full : StoreMetrics::Get().refused_throttled).Add();
  const GapReason reason = full ? GapReason::kDiskFull : GapReason::kOverload;
  {
    const std::lock_guard lock(mutex_);
    SlotState* const state = closed_ == nullptr ? FindSlot(ordinal) : nullptr;
    if (state != nullptr && state->item.header.kind == ItemKind::kFragment) {
      state->item.header.gap_reason = reason;
      state->item.header.flags |= kFlagDropped;
      ++live_changes_;
      LoosenBody(*state);
      ForgetBodies();
    }
  }
  EndWithGap(ordinal, ItemKind::kGap, reason, [done, why](const Result<ItemHeader>& ended) {
    done.Set(ended.ok() ? why : ended.error());
  });
}

void ShardImpl::Complete(uint64_t ordinal) {
  std::vector<std::shared_ptr<Waiter>> due;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ != nullptr) return;
    SlotState* const done = FindSlot(ordinal);
    CHECK(done != nullptr);
    done->phase = SlotState::Phase::kDone;
    LoosenBody(*done);
    while (!slots_.empty() && slots_.front().phase == SlotState::Phase::kDone) {
      WindowItem visible = std::move(slots_.front().item);
      if (visible.header.kind == ItemKind::kGap) visible.header.flags &= ~uint32_t{kFlagDropped};
      newest_ = visible.header;
      slots_.pop_front();
      loose_bytes_ -= visible.bytes();
      window_.Push(std::move(visible));
    }
    ForgetBodies();
    due = TakeDueWaiters(false);
  }
  for (const auto& waiter : due) waiter->done.Set(Status());
}

void ShardImpl::LoosenBody(SlotState& state) {
  if (state.body_may_go) return;
  state.body_may_go = true;
  loose_bytes_ += state.item.bytes();
}

// Oldest first; the newest stay whatever their size, as in the window. What was dropped is a gap
// when its body has gone.
void ShardImpl::ForgetBodies() {
  size_t kept = 0;
  auto may_go = slots_.rbegin();
  for (; may_go != slots_.rend() && kept < Window::kNewestKept; ++may_go)
    kept += may_go->body_may_go ? 1 : 0;
  for (auto state = slots_.begin(); state != may_go.base(); ++state) {
    if (loose_bytes_ <= context_->window_bytes) return;
    if (!state->body_may_go) continue;
    loose_bytes_ -= state->item.bytes();
    state->item.body = ByteChain();
    state->item.meta = Bytes();
    if (!state->dropped()) continue;
    if (state->item.header.kind != ItemKind::kGap) ++live_changes_;
    state->item.header.kind = ItemKind::kGap;
    state->item.header.body_bytes = 0;
    state->item.header.meta_bytes = 0;
  }
}

}  // namespace penstock::store
