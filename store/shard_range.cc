// Fragments by when they began.
#include <algorithm>

#include "store/shard_impl.h"

namespace penstock::store {
namespace {

// Rows of gaps lie among those of fragments; so many are read at a time.
constexpr size_t kPageItems = 256;

bool IsStoredFragment(const ItemHeader& header) {
  return header.kind == ItemKind::kFragment && (header.flags & kFlagDropped) == 0;
}

}  // namespace

// Within a clock run times and ordinals grow together, so a range of times is one of ordinals.
Status ShardImpl::ListServerTimes(const ServerTimeRange& range, uint32_t run, uint64_t first,
                                  OrdinalRange within, size_t limit, std::vector<ItemRef>& out) {
  const int64_t from = std::max<int64_t>(ToMs(range.from), 0);
  if (ToMs(range.to) < from) return {};
  if (from > 0) {
    PS_TRY(const Index::Around around, context_->index->SeekServerTime(id_, run, from - 1));
    if (!around.after) return {};
    first = around.after->ordinal;
  }
  PS_TRY(const Index::Around last, context_->index->SeekServerTime(id_, run, ToMs(range.to)));
  if (!last.at_or_before) return {};
  const uint64_t stop = std::min(last.at_or_before->ordinal + 1, within.end);
  for (uint64_t at = std::max(first, within.first); at < stop && out.size() < limit;) {
    PS_TRY(const std::vector<StoredItem> page,
           context_->index->ListItems(id_, at, stop, std::min(limit, kPageItems)));
    if (page.empty()) break;
    for (const StoredItem& item : page) {
      if (out.size() < limit && IsStoredFragment(item.record.header))
        out.push_back({id_, item.record.header});
    }
    at = page.back().record.header.ordinal + 1;
  }
  return {};
}

Status ShardImpl::ListProducerTimes(const ProducerTimeRange& range,
                                    const std::optional<RangePlace>& after, const Shown& shown,
                                    size_t limit, std::vector<ItemRef>& out) {
  // No item has the index 0, so nothing is left out at the beginning.
  int64_t us = ToUs(range.from);
  uint64_t index = 0;
  if (after && after->producer_time >= range.from) {
    us = ToUs(after->producer_time);
    index = after->index;
  }
  while (out.size() < limit) {
    PS_TRY(const std::vector<Index::TimePlace> page,
           context_->index->ListProducerTimes(id_, us, index, ToUs(range.to), kPageItems));
    for (const Index::TimePlace& place : page) {
      us = place.time;
      index = place.index;
      if (!shown.Contains(place.ordinal) || place.ordinal >= shown.end) continue;
      const auto item = context_->index->GetItem(id_, place.ordinal);
      // Retention may have been quicker.
      if (!item.ok() && item.error().code() == ErrorCode::kNotFound) continue;
      if (!item.ok()) return item.error();
      const ItemHeader& header = item->record.header;
      if (header.number.index != place.index || !IsStoredFragment(header)) continue;
      out.push_back({id_, header});
      if (out.size() == limit) break;
    }
    if (page.size() < kPageItems) break;
  }
  return {};
}

Result<std::vector<ItemRef>> ShardImpl::FindStartedBlocking(const TimeRange& range,
                                                            const std::optional<RangePlace>& after,
                                                            size_t limit) {
  const ServerTime now = context_->clock->Now();
  Shown shown;
  ShardState state;
  {
    const std::lock_guard lock(mutex_);
    PS_TRY_VOID(CheckOpen());
    shown = ShownLocked(ToMs(now));
    state = state_;
  }
  std::vector<ItemRef> out;
  const auto* const server = std::get_if<ServerTimeRange>(&range);
  if (server == nullptr) {
    PS_TRY_VOID(ListProducerTimes(std::get<ProducerTimeRange>(range), after, shown, limit, out));
    return out;
  }
  const uint64_t next = after ? after->ordinal + 1 : 0;
  for (const HeldStretch& held : shown.islands.all()) {
    const OrdinalRange within{std::max(held.first_ordinal, next), held.end_ordinal};
    PS_TRY_VOID(ListServerTimes(*server, held.clock_run, held.first_ordinal, within, limit, out));
  }
  const OrdinalRange within{std::max(shown.mark, next), shown.end};
  for (size_t i = 0; i < state.clock_runs.size() && out.size() < limit; ++i) {
    const auto run = static_cast<uint32_t>(state.first_clock_run + i);
    PS_TRY_VOID(
        ListServerTimes(*server, run, state.clock_runs[i].first_ordinal, within, limit, out));
  }
  return out;
}

Task<Result<std::vector<ItemRef>>> ShardImpl::FindStarted(TimeRange range,
                                                          std::optional<RangePlace> after,
                                                          size_t limit) {
  const auto self = shared_from_this();
  const auto find = ShardContext::Guarded(context_, [self, range, after, limit] {
    return self->FindStartedBlocking(range, after, limit);
  });
  auto found = co_await RunBlocking(*context_->readers, find);
  co_return found;
}

}  // namespace penstock::store
