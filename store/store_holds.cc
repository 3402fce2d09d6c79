// Holds of the store: made, released, listed; and what the catalog says of them.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "store/store_impl.h"

namespace penstock::store {
namespace {

Status CheckHold(const NewHold& wanted) {
  if (wanted.end <= wanted.start)
    return Error(ErrorCode::kInvalidArgument, "end has to be after start");
  if (wanted.note.size() > limits::kHoldNoteBytesMax) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("note: at most {} bytes", limits::kHoldNoteBytesMax));
  }
  return {};
}

Error NothingToHold(const Hold& hold, bool gone) {
  const std::string range =
      fmt::format("between {} and {}", FormatRfc3339(hold.start), FormatRfc3339(hold.end));
  if (gone)
    return Error(ErrorCode::kTrimmed, fmt::format("what was stored {} is no longer kept", range));
  return Error(ErrorCode::kNotFound, fmt::format("nothing is stored {}", range));
}

// Which of two outcomes a failed transaction has is known.
bool IsKnownToFail(ErrorCode code) {
  return IsRefusal(code) || code == ErrorCode::kConflict || code == ErrorCode::kTooLarge ||
         code == ErrorCode::kInvalidArgument;
}

}  // namespace

// 1. Promised in RAM, on the thread that removes segments: none is on its way out with what the
//    hold covers (a crash forgets it).
// 2. Its row is durable (recovery finds the hold, and by then nothing of it has gone).
Task<Result<Hold>> StoreImpl::AddHold(NewHold wanted) {
  PS_CO_TRY_VOID(CheckHold(wanted));
  const auto info = GetStream(wanted.stream);
  const std::shared_ptr<ShardImpl> shard = info ? FindShard(info->shard) : nullptr;
  if (!shard)
    co_return Error(ErrorCode::kNotFound, fmt::format("no stream {}", wanted.stream.text()));
  if (info->retention_hours == 0) {
    co_return Error(ErrorCode::kInvalidArgument,
                    fmt::format("nothing of {} is stored: it is live only", wanted.stream.text()));
  }
  const ServerTime now = clock_.Now();
  Hold hold{fmt::format("{:012x}", RandomU64() >> 16),
            wanted.stream,
            wanted.start,
            wanted.end,
            wanted.note,
            now,
            std::nullopt};
  const std::string id = hold.id;
  const auto promise = [this, shard, hold]() -> Result<HoldEntry> {
    if (closing_.load()) return Error(ErrorCode::kClosed, "the store is closed");
    return shard->PromiseHold(hold);
  };
  auto entry = co_await RunBlocking(*background_, promise);
  if (!entry.ok()) co_return std::move(entry).error();
  // Asked of what is there, not of the times: of a clock that was set back, what is young may have
  // the times of what has gone.
  const bool all_gone = entry->hold.gone_before && *entry->hold.gone_before >= entry->hold.end;
  if (entry->hold.end <= now) {
    const Selector from = FromServerTime{entry->hold.start};
    const auto found = co_await shard->Find(from, 1);
    const bool any = found.ok() && !found->empty() && entry->Covers(found->front().header);
    if (!any) {
      shard->TakeBackHold(id);
      co_return found.ok() ? NothingToHold(hold, all_gone) : found.error();
    }
  }
  if (all_gone) entry->hold.gone_before.reset();
  std::vector<Expect> expects;
  std::vector<CatalogWrite> writes;
  expects.push_back(Expect{HoldKey(hold.stream, id), 0});
  writes.push_back(CatalogWrite{HoldKey(hold.stream, id), EncodeHold(*entry)});
  const Status status =
      co_await catalog_.Submit(std::move(expects), std::move(writes), std::string());
  if (!status.ok()) {
    // What may be in the log after all is honoured until the next opening tells.
    if (IsKnownToFail(status.error().code())) shard->TakeBackHold(id);
    co_return status.error();
  }
  co_return entry->hold;
}

Task<Result<Hold>> StoreImpl::ReleaseHold(std::string id) {
  std::optional<Hold> hold;
  for (Hold& each : ListHolds(std::nullopt)) {
    if (each.id == id) hold = std::move(each);
  }
  if (!hold) co_return Error(ErrorCode::kNotFound, fmt::format("no hold {}", id));
  const auto row = catalog_.Get(HoldKey(hold->stream, id));
  if (!row) co_return Error(ErrorCode::kNotFound, fmt::format("no hold {}", id));
  std::vector<Expect> expects;
  std::vector<CatalogWrite> writes;
  expects.push_back(Expect{row->key, row->version});
  writes.push_back(CatalogWrite{row->key, std::nullopt});
  const Status status =
      co_await catalog_.Submit(std::move(expects), std::move(writes), std::string());
  if (!status.ok()) co_return status.error();
  look_again_.store(true);
  co_return std::move(*hold);
}

std::vector<Hold> StoreImpl::ListHolds(std::optional<StreamName> stream) const {
  std::vector<Hold> out;
  const std::string prefix = stream ? HoldKeysOf(*stream) : std::string(kHoldPrefix);
  for (const CatalogEntry& row : catalog_.Scan(prefix, "", SIZE_MAX)) {
    auto entry = DecodeHold(row.key, row.value);
    if (!entry.ok()) entry = UnreadableHold(row.key, ShardId());
    if (entry.ok()) out.push_back(std::move(entry->hold));
  }
  std::stable_sort(out.begin(), out.end(), [](const Hold& a, const Hold& b) {
    return std::tie(a.stream, a.created) < std::tie(b.stream, b.created);
  });
  return out;
}

void StoreImpl::FoldHoldRow(const std::string& key, const std::optional<Bytes>& value,
                            IndexBatch& rows) {
  const auto known = UnreadableHold(key, ShardId());
  const auto info = known.ok() ? GetStream(known->hold.stream) : std::nullopt;
  const std::shared_ptr<ShardImpl> shard = info ? FindShard(info->shard) : nullptr;
  if (!shard) return;  // when its stream can be read, LoadHolds finds it
  if (value) {
    FoldHold(*shard, key, *value);
  } else {
    shard->FoldRelease(known->hold.id, rows);
  }
}

void StoreImpl::FoldHold(ShardImpl& shard, const std::string& key, ByteSpan value) {
  auto entry = DecodeHold(key, value);
  if (!entry.ok()) {
    log::Write(log::kError, "hold cannot be read from the catalog: all of its stream is held",
               {{"hold", key}, {"error", entry.error().ToString()}});
    entry = UnreadableHold(key, shard.id());
  }
  if (entry.ok() && entry->shard == shard.id()) shard.FoldHold(std::move(*entry));
}

void StoreImpl::LoadHolds(ShardImpl& shard, const StreamName& stream) {
  for (const CatalogEntry& row : catalog_.Scan(HoldKeysOf(stream), "", SIZE_MAX))
    FoldHold(shard, row.key, row.value);
}

Status StoreImpl::LoadIslands() {
  IndexBatch rows;
  for (const auto& [id, shard] : shards_) PS_TRY_VOID(shard->LoadIslands(rows));
  return rows.rows() == 0 ? Status() : index_->Commit(rows);
}

// Segments that held ones kept are looked at again.
void StoreImpl::LookAgainAtAll() {
  if (!look_again_.exchange(false)) return;
  for (const auto& state : lanes_) {
    for (const auto& segment : state->lane->segments().All()) {
      segment->next_look_ms = 0;
      segment->next_clean_ms = 0;
    }
  }
}

}  // namespace penstock::store
