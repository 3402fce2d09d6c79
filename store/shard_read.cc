// The readers' side of a shard: listing, bytes, waiting.
#include <algorithm>
#include <set>

#include "base/crc32c.h"
#include "store/log/meta_records.h"
#include "store/shard_impl.h"

namespace penstock::store {
namespace {

constexpr size_t kPageItems = 256;

}  // namespace

// Selectors that need no look at the index, when the window has all of the answer; nullopt
// otherwise.
Result<std::optional<std::vector<ItemRef>>> ShardImpl::FindInWindow(const Selector& from,
                                                                    size_t limit) {
  const ServerTime now = context_->clock->Now();
  const std::lock_guard lock(mutex_);
  PS_TRY_VOID(CheckOpen());
  uint64_t at = 0;
  if (const auto* place = std::get_if<FromOrdinal>(&from)) {
    at = place->ordinal;
  } else if (std::holds_alternative<FromLatest>(from)) {
    at = window_.end();
  } else {
    return std::optional<std::vector<ItemRef>>();
  }
  if (at < window_.begin()) return std::optional<std::vector<ItemRef>>();
  const Shown shown = ShownLocked(ToMs(now));
  std::vector<ItemRef> out;
  for (at = shown.From(at); at < shown.end && out.size() < limit; at = shown.From(at + 1))
    out.push_back({id_, window_.Find(at)->header});
  return std::optional<std::vector<ItemRef>>(std::move(out));
}

Result<std::vector<ItemRef>> ShardImpl::FindBlocking(const Selector& from, size_t limit) {
  PS_TRY(uint64_t at, Resolve(from));
  std::vector<ItemRef> out;
  std::vector<ItemRef> newest;
  std::vector<ItemHeader> deferred;
  Shown shown;
  uint64_t stored_end = 0;
  {
    // The window first: what leaves it meanwhile is in the index.
    const std::lock_guard lock(mutex_);
    PS_TRY_VOID(CheckOpen());
    shown = Shown{mark_, window_.end(), islands_};
    at = shown.From(at);
    stored_end = window_.begin();
    for (uint64_t i = shown.From(std::max(at, stored_end)); i < shown.end && newest.size() < limit;
         i = shown.From(i + 1)) {
      newest.push_back({id_, window_.Find(i)->header});
    }
    deferred = DeferredFrom(at, stored_end);
  }
  auto gap = deferred.begin();
  for (const OrdinalRange& stretch : shown.StretchesFrom(at)) {
    const uint64_t end = std::min(stretch.end, stored_end);
    if (stretch.first >= end || out.size() >= limit) break;
    const size_t wanted = limit - out.size();
    PS_TRY(const std::vector<StoredItem> stored,
           context_->index->ListItems(id_, stretch.first, end, wanted));
    while (gap != deferred.end() && gap->ordinal < stretch.first) ++gap;  // hidden
    for (const StoredItem& item : stored) {
      const uint64_t ordinal = item.record.header.ordinal;
      for (; gap != deferred.end() && gap->ordinal < ordinal; ++gap) out.push_back({id_, *gap});
      if (gap != deferred.end() && gap->ordinal == ordinal) ++gap;  // stored meanwhile
      out.push_back({id_, item.record.header});
    }
    if (stored.size() == wanted) break;
    for (; gap != deferred.end() && gap->ordinal < end; ++gap) out.push_back({id_, *gap});
  }
  if (out.size() > limit) out.resize(limit);
  for (ItemRef& ref : newest) {
    if (out.size() == limit) break;
    out.push_back(std::move(ref));
  }
  return out;
}

Task<Result<std::vector<ItemRef>>> ShardImpl::Find(Selector from, size_t limit) {
  auto quick = FindInWindow(from, limit);
  if (!quick.ok()) co_return std::move(quick).error();
  if (quick->has_value()) co_return std::move(**quick);
  const auto self = shared_from_this();
  const auto find = ShardContext::Guarded(
      context_, [self, from, limit] { return self->FindBlocking(from, limit); });
  auto found = co_await RunBlocking(*context_->readers, find);
  co_return found;
}

Result<StoredItem> ShardImpl::Locate(const ItemRef& ref) {
  const ServerTime now = context_->clock->Now();
  {
    const std::lock_guard lock(mutex_);
    PS_TRY_VOID(CheckOpen());
    if (!ShowsLocked(ref.header.ordinal, ToMs(now)))
      return Error(ErrorCode::kTrimmed, "retention has hidden it");
  }
  PS_TRY(StoredItem item, context_->index->GetItem(id_, ref.header.ordinal));
  if (item.record.header.number != ref.header.number)
    return Error(ErrorCode::kNotFound, "no item of that number");
  return item;
}

template <class Read>
auto ShardImpl::ReadWhereItIs(const ItemRef& ref, const Read& read)
    -> decltype(read(std::declval<const StoredItem&>())) {
  PS_TRY(StoredItem item, Locate(ref));
  for (;;) {
    auto out = read(item);
    if (out.ok() || out.error().code() != ErrorCode::kTrimmed) return out;
    PS_TRY(StoredItem now, Locate(ref));
    if (now.segment == item.segment) return out;
    item = std::move(now);
  }
}

Result<ItemBytes> ShardImpl::OpenBlocking(const ItemRef& ref, BodyForm form) {
  return ReadWhereItIs(ref, [&](const StoredItem& item) -> Result<ItemBytes> {
    const bool has_body = item.record.header.kind == ItemKind::kFragment ||
                          item.record.header.kind == ItemKind::kRecord;
    if (!has_body) return Error(ErrorCode::kNotFound, "a gap has no bytes");
    ItemBytes out;
    PS_TRY(out.meta, ReadItemMeta(context_->lane->segments(), item, form));
    PS_TRY(out.body, ReadItemBody(context_->lane->segments(), item, form));
    return out;
  });
}

Task<Result<ItemBytes>> ShardImpl::Open(ItemRef ref, BodyForm form) {
  const ServerTime now = context_->clock->Now();
  {
    const std::lock_guard lock(mutex_);
    const Status open = CheckOpen();
    if (!open.ok()) co_return open.error();
    if (!ShowsLocked(ref.header.ordinal, ToMs(now)))
      co_return Error(ErrorCode::kTrimmed, "retention has hidden it");
    const WindowItem* const item = FindInMemory(ref.header.ordinal);
    if (item != nullptr && item->header.number == ref.header.number && !item->body.empty()) {
      ItemBytes out;
      out.meta = item->meta;
      out.body = item->body;
      co_return out;
    }
  }
  const auto self = shared_from_this();
  const auto open =
      ShardContext::Guarded(context_, [self, ref, form] { return self->OpenBlocking(ref, form); });
  auto opened = co_await RunBlocking(*context_->readers, open);
  co_return opened;
}

Result<Bytes> ShardImpl::ReadMetaBlocking(const ItemRef& ref) {
  return ReadWhereItIs(ref, [&](const StoredItem& item) {
    return ReadItemMeta(context_->lane->segments(), item, BodyForm::kMemory);
  });
}

Task<Result<Bytes>> ShardImpl::ReadMeta(ItemRef ref) {
  {
    const std::lock_guard lock(mutex_);
    const Status open = CheckOpen();
    if (!open.ok()) co_return open.error();
    const WindowItem* const item = FindInMemory(ref.header.ordinal);
    if (item != nullptr && item->header.number == ref.header.number &&
        item->meta.size() == item->header.meta_bytes) {
      co_return item->meta;
    }
  }
  const auto self = shared_from_this();
  const auto read =
      ShardContext::Guarded(context_, [self, ref] { return self->ReadMetaBlocking(ref); });
  auto meta = co_await RunBlocking(*context_->readers, read);
  co_return meta;
}

// The index knows the copy that was written last. It may be damaged, or have gone before an older
// one: that of a held item, or with an item that was written after those behind it, and for less
// time than they were.
Result<TrackSet> ShardImpl::ReadTrackSet(TrackSetId id) {
  PS_TRY(const StoredItem item, context_->index->GetTrackSet(id_, id));
  Result<TrackSet> set = ReadTrackSetAt(context_->lane->segments(), item);
  const bool elsewhere = !set.ok() && (set.error().code() == ErrorCode::kCorruption ||
                                       set.error().code() == ErrorCode::kIo ||
                                       set.error().code() == ErrorCode::kTrimmed);
  if (!elsewhere) return set;
  std::optional<TrackSet> copy = FindTrackSetCopy(item);
  if (copy) return std::move(*copy);
  return set;
}

// By the items that use it, of which each segment has a copy with the first: those of the slot that
// brought it and behind, and of slots that were open then.
std::optional<TrackSet> ShardImpl::FindTrackSetCopy(const StoredItem& unreadable) {
  const TrackSetId id = unreadable.record.header.number.index;
  const uint64_t brought = OrdinalOfIndex(id);
  const uint64_t end = CopyState().next_ordinal;
  std::set<SegmentSeq> tried = {unreadable.segment};
  for (uint64_t from = brought - std::min<uint64_t>(brought, kOpenSlotsMax); from < end;) {
    const auto page = context_->index->ListItems(id_, from, end, kPageItems);
    if (!page.ok() || page->empty()) break;
    for (const StoredItem& item : *page) {
      if (item.record.header.track_set != id || !tried.insert(item.segment).second) continue;
      const auto segment = context_->lane->segments().Find(item.segment);
      if (!segment) continue;
      auto copy = ReadTrackSetCopy(context_->lane->segments(), *segment, unreadable, item);
      if (copy) return copy;
    }
    from = page->back().record.header.ordinal + 1;
  }
  return std::nullopt;
}

Result<std::shared_ptr<TrackSetUse>> ShardImpl::LoadTrackSet(TrackSetId id) {
  PS_TRY(StoredItem stored, context_->index->GetTrackSet(id_, id));
  PS_TRY(TrackSet set, ReadTrackSet(id));
  auto use = std::make_shared<TrackSetUse>();
  use->record = std::move(stored.record);
  use->body = std::move(set.body);
  use->meta = std::move(set.meta);
  return use;
}

Task<Result<TrackSet>> ShardImpl::GetTrackSet(TrackSetId id) {
  {
    const std::lock_guard lock(mutex_);
    const Status open = CheckOpen();
    if (!open.ok()) co_return open.error();
    for (const auto& use : track_sets_) {
      if (use->record.header.number.index == id) {
        TrackSet set;
        set.id = id;
        set.body = use->body;
        set.meta = use->meta;
        co_return set;
      }
    }
  }
  const auto self = shared_from_this();
  const auto read = ShardContext::Guarded(context_, [self, id] { return self->ReadTrackSet(id); });
  auto set = co_await RunBlocking(*context_->readers, read);
  co_return set;
}

Task<Status> ShardImpl::WaitForOrdinal(uint64_t ordinal, CancelToken token) {
  const auto self = shared_from_this();
  if (token.cancelled()) co_return Error(ErrorCode::kCancelled, "cancelled");
  auto waiter = std::make_shared<Waiter>();
  {
    const std::lock_guard lock(mutex_);
    const Status open = CheckOpen();
    if (!open.ok()) co_return open.error();
    if (ordinal < window_.end()) co_return Status();
    waiter->ordinal = ordinal;
    waiters_.emplace(ordinal, waiter);
  }
  auto registration = token.OnCancel([self, waiter] {
    {
      const std::lock_guard lock(self->mutex_);
      if (waiter->ended) return;
      waiter->ended = true;
      const auto range = self->waiters_.equal_range(waiter->ordinal);
      const auto at = std::find_if(range.first, range.second,
                                   [&](const auto& entry) { return entry.second == waiter; });
      if (at != range.second) self->waiters_.erase(at);
    }
    waiter->done.Set(Error(ErrorCode::kCancelled, "cancelled"));
  });
  Status status = co_await waiter->done;
  co_return status;
}

Task<Status> ShardImpl::Trim(uint64_t before_ordinal) {
  const auto self = shared_from_this();
  Oneshot<Status> done;
  Submission submission;
  {
    const std::lock_guard lock(mutex_);
    const Status open = CheckOpen();
    if (!open.ok()) co_return open.error();
    before_ordinal = std::min(before_ordinal, window_.end());
    if (before_ordinal <= state_.low_water) co_return Status();
    promised_mark_ = std::max(promised_mark_, before_ordinal);
  }
  PendingRecord record;
  record.record = MakeLowWaterRecord(id_, before_ordinal);
  submission.records.push_back(std::move(record));
  submission.done = [done](Status status) { done.Set(std::move(status)); };
  context_->lane->Submit(std::move(submission));
  Status status = co_await done;
  co_return status;
}

// One reader's place. Its own coroutine is the only one to use it.
class TailImpl final : public Tail {
 public:
  TailImpl(std::shared_ptr<ShardImpl> shard, Selector from)
      : shard_(std::move(shard)), from_(from) {}

  Task<Result<std::vector<ItemRef>>> Next(size_t limit, CancelToken token) override {
    if (!position_.has_value()) {
      {
        const std::lock_guard lock(shard_->mutex_);
        const Status open = shard_->CheckOpen();
        if (!open.ok()) co_return open.error();
      }
      const auto shard = shard_;
      const Selector from = from_;
      const auto resolve =
          ShardContext::Guarded(shard_->context_, [shard, from] { return shard->Resolve(from); });
      auto resolved = co_await RunBlocking(*shard_->context_->readers, resolve);
      if (!resolved.ok()) co_return std::move(resolved).error();
      position_ = *resolved;
    }
    for (;;) {
      const ServerTime now = shard_->context_->clock->Now();
      uint64_t end = 0;
      {
        const std::lock_guard lock(shard_->mutex_);
        const Status open = shard_->CheckOpen();
        if (!open.ok()) co_return open.error();
        if (!shard_->ShowsLocked(*position_, ToMs(now)))
          co_return Error(ErrorCode::kTrimmed, "retention has passed the reader's place");
        end = shard_->window_.end();
      }
      if (*position_ < end) {
        const Selector place = FromOrdinal{*position_};
        auto found = co_await shard_->Find(place, limit);
        if (!found.ok()) co_return std::move(found).error();
        if (!found->empty()) {
          position_ = shard_->Behind(found->back().header.ordinal);
          co_return found;
        }
        position_ = end;  // only ordinals that were never stored
      }
      Status waited = co_await shard_->WaitForOrdinal(*position_, token);
      if (!waited.ok()) co_return std::move(waited).error();
    }
  }

 private:
  const std::shared_ptr<ShardImpl> shard_;
  const Selector from_;
  std::optional<uint64_t> position_;

  friend class ShardImpl;
};

std::unique_ptr<Tail> ShardImpl::MakeTail(Selector from) {
  auto tail = std::make_unique<TailImpl>(shared_from_this(), from);
  // "After the newest" means now, not when the first Next comes to it.
  if (std::holds_alternative<FromLatest>(from)) {
    const std::lock_guard lock(mutex_);
    tail->position_ = window_.end();
  }
  return tail;
}

}  // namespace penstock::store
