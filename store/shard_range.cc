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
Status ShardImpl::ListServerTimes(const ServerTimeRange& range, uint64_t begin, uint64_t end,
                                  size_t limit, const ShardState& state,
                                  std::vector<ItemRef>& out) {
  const int64_t from = std::max<int64_t>(ToMs(range.from), 0);
  if (ToMs(range.to) < from) return {};
  for (size_t i = 0; i < state.clock_runs.size() && out.size() < limit; ++i) {
    const auto run = static_cast<uint32_t>(state.first_clock_run + i);
    uint64_t first = state.clock_runs[i].first_ordinal;
    if (from > 0) {
      PS_TRY(const Index::Around around, context_->index->SeekServerTime(id_, run, from - 1));
      if (!around.after) continue;
      first = around.after->ordinal;
    }
    PS_TRY(const Index::Around last, context_->index->SeekServerTime(id_, run, ToMs(range.to)));
    if (!last.at_or_before) continue;
    const uint64_t stop = std::min(last.at_or_before->ordinal + 1, end);
    for (uint64_t at = std::max(first, begin); at < stop && out.size() < limit;) {
      PS_TRY(const std::vector<StoredItem> page,
             context_->index->ListItems(id_, at, stop, std::min(limit, kPageItems)));
      if (page.empty()) break;
      for (const StoredItem& item : page) {
        if (out.size() < limit && IsStoredFragment(item.record.header))
          out.push_back({id_, item.record.header});
      }
      at = page.back().record.header.ordinal + 1;
    }
  }
  return {};
}

Status ShardImpl::ListProducerTimes(const ProducerTimeRange& range,
                                    const std::optional<RangePlace>& after, uint64_t mark,
                                    uint64_t end, size_t limit, std::vector<ItemRef>& out) {
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
      if (place.ordinal < mark || place.ordinal >= end) continue;
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
  uint64_t mark = 0;
  uint64_t end = 0;
  ShardState state;
  {
    const std::lock_guard lock(mutex_);
    PS_TRY_VOID(CheckOpen());
    mark = ExpireLocked(ToMs(now));
    end = window_.end();
    state = state_;
  }
  std::vector<ItemRef> out;
  if (const auto* server = std::get_if<ServerTimeRange>(&range)) {
    const uint64_t begin = std::max(mark, after ? after->ordinal + 1 : 0);
    PS_TRY_VOID(ListServerTimes(*server, begin, end, limit, state, out));
  } else {
    PS_TRY_VOID(
        ListProducerTimes(std::get<ProducerTimeRange>(range), after, mark, end, limit, out));
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
