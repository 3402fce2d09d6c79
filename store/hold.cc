#include "store/hold.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/json.h"

namespace penstock::store {
namespace {

// The year 9999, beyond which no time can be written.
constexpr int64_t kEndOfTimeMs = 253'402'300'799'999;

// hold/<stream>/<id>; no stream's name has a slash.
Result<Hold> HoldOfKey(std::string_view key) {
  const size_t slash = key.rfind('/');
  if (!key.starts_with(kHoldPrefix) || slash < kHoldPrefix.size())
    return Error(ErrorCode::kCorruption, fmt::format("{}: not the key of a hold", key));
  PS_TRY(StreamName stream,
         StreamName::Parse(key.substr(kHoldPrefix.size(), slash - kHoldPrefix.size())));
  return Hold{std::string(key.substr(slash + 1)), std::move(stream), {}, {}, {}, {}, {}};
}

}  // namespace

bool HoldEntry::Covers(const ItemHeader& item) const {
  const bool was_there =
      item.ordinal >= from_ordinal ||
      std::any_of(earlier.begin(), earlier.end(), [&](const OrdinalRange& range) {
        return item.ordinal >= range.first && item.ordinal < range.end;
      });
  if (!was_there) return false;
  const int64_t from = item.number.server_ms;
  const int64_t lasts =
      std::chrono::duration_cast<std::chrono::milliseconds>(item.duration).count();
  return from < ToMs(hold.end) && from + std::max<int64_t>(lasts, 1) > ToMs(hold.start);
}

std::string HoldKeysOf(const StreamName& stream) {
  return fmt::format("{}{}/", kHoldPrefix, stream.text());
}

std::string HoldKey(const StreamName& stream, std::string_view id) {
  return fmt::format("{}{}", HoldKeysOf(stream), id);
}

Bytes EncodeHold(const HoldEntry& entry) {
  const Hold& hold = entry.hold;
  Json row;
  row.Set("shard", entry.shard.ToString());
  row.Set("start_ms", ToMs(hold.start));
  row.Set("end_ms", ToMs(hold.end));
  row.Set("created_ms", ToMs(hold.created));
  row.Set("from", entry.from_ordinal);
  if (!hold.note.empty()) row.Set("note", hold.note);
  if (hold.gone_before) row.Set("gone_before_ms", ToMs(*hold.gone_before));
  if (!entry.earlier.empty()) {
    Json earlier = Json(Json::Array());
    for (const OrdinalRange& range : entry.earlier) {
      Json pair = Json(Json::Array());
      pair.Push(range.first).Push(range.end);
      earlier.Push(std::move(pair));
    }
    row.Set("earlier", std::move(earlier));
  }
  return Bytes::From(row.Dump());
}

Result<HoldEntry> DecodeHold(std::string_view key, ByteSpan value) {
  PS_TRY(Hold hold, HoldOfKey(key));
  PS_TRY(const Json row, Json::Parse(AsText(value)));
  for (const std::string_view number : {"start_ms", "end_ms", "created_ms", "from"}) {
    if (!row[number].is_int())
      return Error(ErrorCode::kCorruption, fmt::format("{}: {} is missing", key, number));
  }
  PS_TRY(const ShardId shard, ShardId::Parse(row["shard"].AsString()));
  hold.start = ServerTimeFromMs(row["start_ms"].AsInt());
  hold.end = ServerTimeFromMs(row["end_ms"].AsInt());
  hold.created = ServerTimeFromMs(row["created_ms"].AsInt());
  hold.note = row["note"].AsString();
  if (row["gone_before_ms"].is_int())
    hold.gone_before = ServerTimeFromMs(row["gone_before_ms"].AsInt());
  HoldEntry entry{std::move(hold), shard, static_cast<uint64_t>(row["from"].AsInt()), {}};
  for (const Json& range : row["earlier"].array()) {
    if (range.array().size() != 2) return Error(ErrorCode::kCorruption, "earlier: not pairs");
    entry.earlier.push_back({static_cast<uint64_t>(range.array()[0].AsInt()),
                             static_cast<uint64_t>(range.array()[1].AsInt())});
  }
  return entry;
}

Result<HoldEntry> UnreadableHold(std::string_view key, const ShardId& shard) {
  PS_TRY(Hold hold, HoldOfKey(key));
  hold.end = ServerTimeFromMs(kEndOfTimeMs);
  hold.note = "cannot be read: all of the stream is held";
  return HoldEntry{std::move(hold), shard, 0, {}};
}

}  // namespace penstock::store
