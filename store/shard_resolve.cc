// Where a selector points: numbers and times to ordinals.
#include <algorithm>

#include "store/shard_impl.h"

namespace penstock::store {
namespace {

// How far before a time an item may begin and still contain it, and how many may begin between the
// two: twice what a fragment lasts at most, in late uploads of fragments of a second.
constexpr int64_t kLookBackUs = 60'000'000;
constexpr int kLookBackItems = 128;

int64_t DurationMs(const ItemHeader& header) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(header.duration).count();
}

// Of the items that are nowhere but in the window: the first that contains the time, else the one
// that begins next after it. Neither clock need run with the ordinals.
class LiveOnlyLookup {
 public:
  void See(uint64_t ordinal, int64_t from, int64_t lasts, int64_t asked) {
    if (found_) return;
    if (from <= asked && asked < from + std::max<int64_t>(lasts, 1)) found_ = ordinal;
    if (from > asked && (!next_ || from < next_->time)) next_ = {ordinal, from};
  }
  uint64_t Or(uint64_t end) const { return found_ ? *found_ : next_ ? next_->ordinal : end; }

 private:
  std::optional<uint64_t> found_;
  std::optional<Index::TimePlace> next_;
};

}  // namespace

// A number made in an earlier epoch may carry the counter of an ordinal that was used again since:
// what is larger than it then starts before that ordinal.
Result<uint64_t> ShardImpl::ResolveNumber(uint64_t index, const Shown& shown) {
  uint64_t at = std::min(OrdinalOfIndex(index) + 1, shown.end);
  while (at > 0 && shown.Contains(at - 1)) {
    uint64_t before = 0;
    {
      const std::lock_guard lock(mutex_);
      const WindowItem* const item = window_.Find(at - 1);
      if (item != nullptr) before = item->header.number.index;
      const auto deferred = deferred_.find(at - 1);
      if (deferred != deferred_.end()) before = deferred->second.record.header.number.index;
    }
    if (before == 0) {
      const auto item = context_->index->GetItem(id_, at - 1);
      // A hole of items that were never stored: look on.
      if (!item.ok() && item.error().code() != ErrorCode::kNotFound) return item.error();
      if (!item.ok()) break;
      before = item->record.header.number.index;
    }
    if (before <= index) break;
    --at;
  }
  return at;
}

// Among what is not before the mark.
Result<uint64_t> ShardImpl::ResolveServerTime(ServerTime time, const ShardState& state,
                                              uint64_t mark) {
  // Nothing was received before 1970; keys sort as unsigned.
  const int64_t ms = std::max<int64_t>(ToMs(time), 0);
  uint64_t end = 0;
  std::vector<ItemHeader> deferred;
  {
    const std::lock_guard lock(mutex_);
    end = window_.end();
    deferred = DeferredFrom(mark, end);
  }
  std::optional<Index::TimePlace> next;  // the first item after the time, over all clock runs
  for (const ItemHeader& gap : deferred) {
    const int64_t from = gap.number.server_ms;
    if (from <= ms && ms < from + std::max<int64_t>(DurationMs(gap), 1)) return gap.ordinal;
    if (from > ms && (!next || from < next->time)) next = {gap.ordinal, from};
  }
  for (size_t i = 0; i < state.clock_runs.size(); ++i) {
    const auto run = static_cast<uint32_t>(state.first_clock_run + i);
    PS_TRY(Index::Around around, context_->index->SeekServerTime(id_, run, ms));
    if (around.at_or_before && around.at_or_before->ordinal >= mark) {
      const auto item = context_->index->GetItem(id_, around.at_or_before->ordinal);
      if (item.ok() && ms < item->record.header.number.server_ms +
                                std::max<int64_t>(DurationMs(item->record.header), 1)) {
        return around.at_or_before->ordinal;
      }
    }
    // What is hidden or held has rows, too; the run's first one behind the mark is younger still.
    if (around.after && around.after->ordinal < mark) {
      PS_TRY(const std::vector<StoredItem> page, context_->index->ListItems(id_, mark, end, 1));
      around.after.reset();
      if (!page.empty() && page.front().record.clock_run == run) {
        const ItemHeader& first = page.front().record.header;
        around.after = {first.ordinal, first.number.server_ms};
      }
    }
    if (around.after && (!next || around.after->time < next->time)) next = around.after;
  }
  return next ? next->ordinal : end;
}

// Each island is of one clock run.
Result<uint64_t> ShardImpl::ResolveInIslands(ServerTime time, const Shown& shown,
                                             uint64_t ordinal) {
  const int64_t ms = std::max<int64_t>(ToMs(time), 0);
  std::optional<Index::TimePlace> next;
  for (const HeldStretch& held : shown.islands.all()) {
    PS_TRY(const Index::Around around, context_->index->SeekServerTime(id_, held.clock_run, ms));
    if (around.at_or_before && held.Contains(around.at_or_before->ordinal)) {
      const auto item = context_->index->GetItem(id_, around.at_or_before->ordinal);
      if (item.ok() && ms < item->record.header.number.server_ms +
                                std::max<int64_t>(DurationMs(item->record.header), 1)) {
        return around.at_or_before->ordinal;
      }
    }
    if (ms >= ToMs(held.start)) {
      const bool within = around.after && held.Contains(around.after->ordinal);
      if (within && (!next || around.after->time < next->time)) next = around.after;
    } else if (!next || ToMs(held.start) < next->time) {
      next = {held.first_ordinal, ToMs(held.start)};
    }
  }
  if (!next || ordinal >= shown.end) return next ? next->ordinal : ordinal;
  std::optional<int64_t> other;
  {
    const std::lock_guard lock(mutex_);
    const WindowItem* const item = window_.Find(ordinal);
    if (item != nullptr) other = item->header.number.server_ms;
  }
  if (!other) {
    PS_TRY(const std::vector<StoredItem> stored,
           context_->index->ListItems(id_, ordinal, shown.end, 1));
    if (!stored.empty()) other = stored.front().record.header.number.server_ms;
  }
  // Of two that began in the same millisecond the older one.
  return !other || next->time <= *other ? next->ordinal : ordinal;
}

Result<uint64_t> ShardImpl::ResolveProducerTime(ProducerTime time, const Shown& shown) {
  const int64_t asked_us = ToUs(time);
  PS_TRY(Index::Around around, context_->index->SeekProducerTime(id_, asked_us));
  std::optional<Index::TimePlace> before = around.at_or_before;
  // What was uploaded late may lie within the time of a longer item, and hidden items may still
  // have rows: the nearest start before the time is not always that of the item that contains it.
  for (int looked = 0; before && looked < kLookBackItems; ++looked) {
    if (before->time < asked_us - kLookBackUs) break;
    if (shown.Contains(before->ordinal)) {
      const auto item = context_->index->GetItem(id_, before->ordinal);
      if (item.ok() && asked_us < ToUs(item->record.header.producer_time) +
                                      std::max<int64_t>(item->record.header.duration.count(), 1)) {
        return before->ordinal;
      }
    }
    PS_TRY(const Index::Around earlier, context_->index->SeekProducerTime(id_, before->time - 1));
    before = earlier.at_or_before;
  }
  while (around.after && !shown.Contains(around.after->ordinal)) {
    const int64_t hidden_us = around.after->time;
    PS_TRY(around, context_->index->SeekProducerTime(id_, hidden_us));
  }
  return around.after ? around.after->ordinal : shown.end;
}

// Requires mutex_. Nothing of a live-only shard's window is in the index.
std::optional<uint64_t> ShardImpl::ResolveTimeInWindow(const Selector& from, uint64_t mark) const {
  const auto* server = std::get_if<FromServerTime>(&from);
  const auto* producer = std::get_if<FromProducerTime>(&from);
  if (server == nullptr && producer == nullptr) return std::nullopt;
  LiveOnlyLookup lookup;
  for (uint64_t at = std::max(mark, window_.begin()); at < window_.end(); ++at) {
    const ItemHeader& header = window_.Find(at)->header;
    if (server != nullptr) {
      lookup.See(at, header.number.server_ms, DurationMs(header), ToMs(server->time));
    } else {
      lookup.See(at, ToUs(header.producer_time), header.duration.count(), ToUs(producer->time));
    }
  }
  return lookup.Or(window_.end());
}

Result<uint64_t> ShardImpl::Resolve(const Selector& from) {
  Shown shown;
  ShardState state;
  std::optional<uint64_t> live;
  const ServerTime now = context_->clock->Now();
  {
    const std::lock_guard lock(mutex_);
    PS_TRY_VOID(CheckOpen());
    shown = ShownLocked(ToMs(now));
    if (std::holds_alternative<FromServerTime>(from)) state = state_;
    if (retention_hours_.load() == 0) live = ResolveTimeInWindow(from, shown.mark);
  }
  const auto* const server = std::get_if<FromServerTime>(&from);
  if (live && (shown.islands.empty() || server == nullptr)) return *live;
  if (std::holds_alternative<FromOldest>(from)) return shown.From(0);
  if (std::holds_alternative<FromLatest>(from)) return shown.end;
  if (const auto* place = std::get_if<FromOrdinal>(&from)) return place->ordinal;
  if (const auto* number = std::get_if<AfterNumber>(&from))
    return ResolveNumber(number->index, shown);
  if (server != nullptr) {
    if (live) return ResolveInIslands(server->time, shown, *live);
    PS_TRY(uint64_t ordinal, ResolveServerTime(server->time, state, shown.mark));
    ordinal = std::clamp(ordinal, shown.mark, shown.end);
    if (shown.islands.empty()) return ordinal;
    return ResolveInIslands(server->time, shown, ordinal);
  }
  PS_TRY(const uint64_t ordinal, ResolveProducerTime(std::get<FromProducerTime>(from).time, shown));
  return std::min(shown.From(ordinal), shown.end);
}

}  // namespace penstock::store
