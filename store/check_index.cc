#include "store/check_index.h"

#include <algorithm>

#include <fmt/format.h>

#include "store/catalog_impl.h"
#include "store/index/entry.h"

namespace penstock::store {
namespace {

Status FoldCatalog(CatalogImpl& catalog, const std::vector<LaneLog>& logs,
                   const std::map<uint32_t, Lsn>& from) {
  for (const LaneLog& log : logs) {
    for (const auto& [lsn, record] : log.meta) {
      if (record.kind != MetaKind::kCatalogTxn || lsn <= from.at(log.lane)) continue;
      PS_TRY(const CatalogCommand command, ParseCatalogCommand(record.payload));
      IndexBatch rows;
      catalog.Fold(command, rows, [](const std::string&, const std::optional<Bytes>&, uint64_t) {});
    }
  }
  return {};
}

std::map<std::string, std::pair<uint64_t, std::string>> Entries(const CatalogImpl& catalog) {
  std::map<std::string, std::pair<uint64_t, std::string>> out;
  for (const CatalogEntry& entry : catalog.Scan("", "", SIZE_MAX))
    out[entry.key] = {entry.version, std::string(entry.value.text())};
  return out;
}

}  // namespace

IndexCheck::IndexCheck(const Index& index, const std::vector<LaneLog>& logs)
    : index_(index), logs_(logs) {
  for (const LaneLog& log : logs) {
    applied_[log.lane] = index.Applied(log.lane);
    ends_[log.lane] = log.end;
    for (const ScannedSegment& scanned : log.segments)
      segments_.emplace(log.lane, scanned.segment->header().sequence);
  }
}

// Both brought to the end of the log: from the snapshot, and from what the index holds.
Status IndexCheck::CompareCatalog(const Find& find) const {
  CatalogImpl from_log;
  CatalogImpl from_index;
  PS_TRY_VOID(from_log.LoadSnapshots(logs_));
  std::map<uint32_t, Lsn> snapshots;
  for (const LaneLog& log : logs_) snapshots[log.lane] = log.snapshot ? log.snapshot->as_of : 0;
  PS_TRY_VOID(FoldCatalog(from_log, logs_, snapshots));
  PS_TRY(std::vector<CatalogEntry> entries, index_.LoadCatalog());
  PS_TRY(std::vector<RequestOutcome> requests, index_.LoadRequests());
  from_index.Load(std::move(entries), std::move(requests), index_.CatalogCounter());
  PS_TRY_VOID(FoldCatalog(from_index, logs_, applied_));
  const auto wanted = Entries(from_log);
  const auto found = Entries(from_index);
  for (const auto& [key, value] : wanted) {
    const auto row = found.find(key);
    if (row == found.end()) {
      find(fmt::format("the catalog's {} is not in the index", key));
    } else if (row->second != value) {
      find(fmt::format("the catalog's {} is another one in the index", key));
    }
  }
  for (const auto& [key, value] : found) {
    if (!wanted.contains(key))
      find(fmt::format("the catalog's {} is in the index and not in the log", key));
  }
  return {};
}

void IndexCheck::See(uint32_t lane, Lsn lsn, const StoredItem& item, bool held) {
  if (lsn > applied_.at(lane)) return SeeLater(lane, item, held);
  const ItemRecord& record = item.record;
  Seen& seen = seen_[record.shard];
  if (record.is_track_set()) {
    const TrackSetId id = record.header.number.index;
    const auto row = index_.GetTrackSet(record.shard, id);
    bool& known = seen.track_sets[id];
    // The copy that was written last may have gone before one that a hold keeps.
    known = known || (row.ok() && (!HasSegment(lane, row->segment) ||
                                   EncodeStoredItem(*row) == EncodeStoredItem(item)));
    return;
  }
  const auto row = index_.GetItem(record.shard, record.header.ordinal);
  const bool known =
      row.ok() && EncodeStoredItem(*row) == EncodeStoredItem(item) && index_.HasTimes(record);
  seen.places.push_back({record.header.ordinal, record.header.body_bytes, held, known});
}

// A copy that the next opening folds. Where the index has the item may have gone since.
void IndexCheck::SeeLater(uint32_t lane, const StoredItem& item, bool held) {
  const ItemRecord& record = item.record;
  if (!record.copy) return;
  const auto row = index_.GetItem(record.shard, record.header.ordinal);
  if (!row.ok() || row->record.header.number != record.header.number) return;
  if (HasSegment(lane, row->segment)) return;
  seen_[record.shard].places.push_back(
      {record.header.ordinal, record.header.body_bytes, held, index_.HasTimes(record)});
}

IndexCheck::Sum IndexCheck::Summarise(std::vector<Place>& places) {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.ordinal < b.ordinal; });
  Sum sum;
  for (auto at = places.begin(); at != places.end();) {
    const auto end = std::find_if(at, places.end(),
                                  [&](const Place& place) { return place.ordinal != at->ordinal; });
    if (!at->held) {
      ++sum.items;
      sum.body_bytes += at->body_bytes;
    }
    const bool known = std::any_of(at, end, [](const Place& place) { return place.known; });
    if (!known && sum.differ++ == 0) sum.first = at->ordinal;
    sum.end = at->ordinal + 1;
    at = end;
  }
  return sum;
}

Status IndexCheck::CompareShard(const ShardId& shard, uint32_t lane, uint64_t low_water,
                                const Find& find) {
  const Sum seen = Summarise(seen_[shard].places);
  if (seen.differ > 0) {
    find(fmt::format("the rows of {} items differ in the index, from ordinal {} on", seen.differ,
                     seen.first));
  }
  for (const auto& [id, known] : seen_[shard].track_sets) {
    if (!known) find(fmt::format("the index does not know the track set {:x}", id));
  }
  PS_TRY(const Index::Rows rows, index_.CountRows(shard, low_water));
  if (seen.differ == 0 && rows != Index::Rows{seen.items, seen.items, seen.items}) {
    find(fmt::format("the log has {} items; the index has {}, and {} and {} by their times",
                     seen.items, rows.items, rows.times, rows.producer));
  }
  if (states_.empty()) {
    PS_TRY(std::vector<ShardState> states, index_.LoadShards());
    for (ShardState& state : states) states_.emplace(state.shard, state);
  }
  // A stream may be younger than the index.
  if (!IsFolded(lane) || !IsFolded(0)) return {};
  const auto state = states_.find(shard);
  if (state == states_.end()) {
    find("the index does not know the stream");
  } else if (state->second.low_water != low_water || state->second.next_ordinal < seen.end ||
             state->second.items != seen.items || state->second.body_bytes != seen.body_bytes) {
    find(
        fmt::format("the log has {} items of {} bytes from ordinal {} to {}; the index counts {} "
                    "of {} from {} to {}",
                    seen.items, seen.body_bytes, low_water, seen.end, state->second.items,
                    state->second.body_bytes, state->second.low_water, state->second.next_ordinal));
  }
  return {};
}

}  // namespace penstock::store
