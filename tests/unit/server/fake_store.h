// A store in memory for tests of what stands above it: streams and items that a test puts there,
// states that it sets.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "fragmenter/media.h"
#include "store/store.h"
#include "tests/unit/server/fake_catalog.h"

namespace penstock::server {

// Items from a place on; when there are no more it waits for its token, or has been overtaken by
// retention.
class FakeTail final : public store::Tail {
 public:
  FakeTail(std::vector<store::ItemRef> items, bool overtaken)
      : items_(std::move(items)), overtaken_(overtaken) {}
  Task<Result<std::vector<store::ItemRef>>> Next(size_t limit, CancelToken token) override {
    std::vector<store::ItemRef> out;
    while (!items_.empty() && out.size() < limit) {
      out.push_back(items_.front());
      items_.erase(items_.begin());
    }
    if (!out.empty()) co_return out;
    if (overtaken_) co_return Error(ErrorCode::kTrimmed, "overtaken");
    Oneshot<Unit> cancelled;
    const auto watch = token.OnCancel([cancelled]() mutable { cancelled.Set(Unit()); });
    co_await cancelled;
    co_return Error(ErrorCode::kCancelled, "cancelled");
  }

 private:
  std::vector<store::ItemRef> items_;
  const bool overtaken_;
};

class FakeShard final : public store::Shard {
 public:
  explicit FakeShard(ShardId id) : id_(id) {}

  // Puts a fragment there; its number and ordinal follow from its place.
  void Add(store::ItemHeader header, Bytes body, Bytes meta = {}) {
    header.ordinal = items_.size();
    header.number.index = items_.size() + 1;
    header.number.server_ms = ToMs(header.server_time);
    header.body_bytes = static_cast<uint32_t>(body.size());
    items_.push_back(header);
    bodies_.push_back(std::move(body));
    metas_.push_back(std::move(meta));
  }
  // What lies before it is no longer there...
  void Expire(uint64_t before) { oldest_ = before; }
  // ...but what is held: of the items there are, from `first` up to `end`, not included.
  void Hold(uint64_t first, uint64_t end) {
    store::HeldStretch held;
    held.first_ordinal = first;
    held.end_ordinal = end;
    held.start = items_.at(first).server_time;
    for (uint64_t i = first; i < end; ++i) {
      ++held.items;
      held.body_bytes += items_.at(i).body_bytes;
    }
    held_.push_back(held);
  }

  const ShardId& id() const override { return id_; }
  Result<store::Slot> OpenSlot() override { return Unused(); }
  Task<Result<store::ItemHeader>> Append(store::NewItem) override { co_return Unused(); }
  Task<Result<store::ItemHeader>> Drop(store::NewItem, store::GapReason) override {
    co_return Unused();
  }

  Task<Result<std::vector<store::ItemRef>>> Find(store::Selector from, size_t limit) override {
    std::vector<store::ItemRef> out;
    for (const store::ItemHeader& item : items_) {
      if (out.size() < limit && Shows(item) && IsFrom(item, from))
        out.push_back(store::ItemRef{id_, item});
    }
    co_return out;
  }
  std::vector<store::ItemRef> FindLive(uint64_t, size_t) override { return {}; }
  // By server time only.
  Task<Result<std::vector<store::ItemRef>>> FindStarted(store::TimeRange range,
                                                        std::optional<store::RangePlace> after,
                                                        size_t limit) override {
    const auto& times = std::get<store::ServerTimeRange>(range);
    std::vector<store::ItemRef> out;
    for (const store::ItemHeader& item : items_) {
      if (item.server_time < times.from || item.server_time > times.to) continue;
      if ((after && item.ordinal <= after->ordinal) || !Shows(item)) continue;
      if (out.size() < limit) out.push_back(store::ItemRef{id_, item});
    }
    co_return out;
  }
  Task<Result<store::TrackSet>> GetTrackSet(store::TrackSetId id) override {
    store::TrackSet set;
    set.id = id;
    set.body = Bytes::Copy("<header " + std::to_string(id) + ">");
    set.meta = fragmenter::EncodeTrackSet(fragmenter::TrackSet{
        {{.number = 1, .codec_private = Bytes::Copy("x"), .clock_rate = 1000}}});
    co_return set;
  }
  Task<Result<store::ItemBytes>> Open(store::ItemRef ref, store::BodyForm) override {
    if (unreadable == ref.header.ordinal) co_return Error(ErrorCode::kCorruption, "bad checksum");
    store::ItemBytes bytes;
    bytes.body = ByteChain(bodies_[ref.header.ordinal]);
    bytes.meta = metas_[ref.header.ordinal];
    co_return bytes;
  }
  Task<Result<Bytes>> ReadMeta(store::ItemRef) override { co_return Unused(); }
  std::unique_ptr<store::Tail> MakeTail(store::Selector from) override {
    const bool overtaken = std::exchange(overtake_behind_held, false);
    std::vector<store::ItemRef> items;
    for (const store::ItemHeader& item : items_) {
      if (overtaken && item.ordinal >= oldest_) break;
      if (Shows(item) && IsFrom(item, from)) items.push_back(store::ItemRef{id_, item});
    }
    return std::make_unique<FakeTail>(std::move(items), overtaken);
  }
  store::ShardStatus GetStatus() const override {
    store::ShardStatus status;
    status.oldest_ordinal = std::min<uint64_t>(oldest_, items_.size());
    status.next_ordinal = items_.size();
    status.live_end = items_.size();
    status.items = status.next_ordinal - status.oldest_ordinal;
    status.held = held_;
    for (uint64_t i = status.oldest_ordinal; i < items_.size(); ++i)
      status.body_bytes += items_[i].body_bytes;
    if (status.items > 0) {
      status.oldest = items_[status.oldest_ordinal];
      status.newest = items_.back();
    }
    return status;
  }
  Task<Status> WaitForOrdinal(uint64_t, CancelToken) override { co_return Unused(); }
  Task<Status> Trim(uint64_t) override { co_return Unused(); }

  std::optional<uint64_t> unreadable;  // the ordinal whose body cannot be read
  bool overtake_behind_held = false;   // the next tail, when it has given what is held

 private:
  static Error Unused() { return Error(ErrorCode::kUnsupported, "not part of this fake"); }

  static bool IsFrom(const store::ItemHeader& item, const store::Selector& from) {
    if (const auto* s = std::get_if<store::FromOrdinal>(&from)) return item.ordinal >= s->ordinal;
    if (const auto* s = std::get_if<store::AfterNumber>(&from)) return item.number.index > s->index;
    if (const auto* s = std::get_if<store::FromServerTime>(&from)) {
      return item.server_time +
                 std::chrono::duration_cast<std::chrono::milliseconds>(item.duration) >
             s->time;
    }
    return std::holds_alternative<store::FromOldest>(from);
  }

  bool Shows(const store::ItemHeader& item) const {
    return item.ordinal >= oldest_ ||
           std::any_of(held_.begin(), held_.end(),
                       [&](const auto& held) { return held.Contains(item.ordinal); });
  }

  const ShardId id_;
  uint64_t oldest_ = 0;
  std::vector<store::HeldStretch> held_;
  std::vector<store::ItemHeader> items_;
  std::vector<Bytes> bodies_;
  std::vector<Bytes> metas_;
};

// Thread-safe as far as an HTTP server needs it: tests put items there before they ask.
class FakeStore final : public store::Store {
 public:
  explicit FakeStore(Clock& clock) : clock_(clock) {}

  FakeShard& Shard(std::string_view name) {
    return *shards_.at(GetStream(*StreamName::Parse(name))->shard);
  }

  Task<void> Close() override { co_return; }
  FakeCatalog& catalog() override { return catalog_; }

  std::vector<store::StreamInfo> ListStreams() const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::StreamInfo> out;
    for (const auto& [name, info] : streams_) out.push_back(info);
    return out;
  }
  std::optional<store::StreamInfo> GetStream(const StreamName& name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(name);
    if (found == streams_.end()) return std::nullopt;
    return found->second;
  }
  Task<Result<store::StreamInfo>> CreateStream(StreamName name, uint32_t retention_hours) override {
    const std::lock_guard lock(mutex_);
    if (streams_.count(name) > 0) co_return Error(ErrorCode::kAlreadyExists, "there is one");
    store::StreamInfo info{name, ShardId::Random(), retention_hours, clock_.Now(), 1};
    streams_.emplace(name, info);
    shards_.emplace(info.shard, std::make_shared<FakeShard>(info.shard));
    co_return info;
  }
  Task<Status> DeleteStream(StreamName name) override {
    const std::lock_guard lock(mutex_);
    for (const store::Hold& hold : holds_) {
      if (hold.stream == name) co_return Error(ErrorCode::kConflict, "it has 1 hold");
    }
    if (streams_.erase(name) == 0) co_return Error(ErrorCode::kNotFound, "there is none");
    co_return Status();
  }
  Task<Result<store::StreamInfo>> ChangeStream(StreamName name, store::StreamChange change,
                                               uint64_t if_version) override {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(name);
    if (found == streams_.end()) co_return Error(ErrorCode::kNotFound, "there is none");
    store::StreamInfo& info = found->second;
    if (if_version != 0 && info.version != if_version)
      co_return Error(ErrorCode::kConflict, "it has another version");
    info.retention_hours = change.retention_hours.value_or(info.retention_hours);
    info.max_bytes = change.max_bytes.value_or(info.max_bytes);
    ++info.version;
    co_return info;
  }
  Task<Result<store::Hold>> AddHold(store::NewHold wanted) override {
    const std::lock_guard lock(mutex_);
    if (wanted.end <= wanted.start)
      co_return Error(ErrorCode::kInvalidArgument, "end has to be after start");
    if (streams_.count(wanted.stream) == 0) co_return Error(ErrorCode::kNotFound, "there is none");
    store::Hold hold{"hold" + std::to_string(++holds_made_),
                     wanted.stream,
                     wanted.start,
                     wanted.end,
                     wanted.note,
                     clock_.Now(),
                     gone_before};
    holds_.push_back(hold);
    co_return hold;
  }
  Task<Result<store::Hold>> ReleaseHold(std::string id) override {
    const std::lock_guard lock(mutex_);
    for (auto hold = holds_.begin(); hold != holds_.end(); ++hold) {
      if (hold->id != id) continue;
      store::Hold released = *hold;
      holds_.erase(hold);
      co_return released;
    }
    co_return Error(ErrorCode::kNotFound, "there is none");
  }
  std::vector<store::Hold> ListHolds(std::optional<StreamName> stream) const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::Hold> out;
    for (const store::Hold& hold : holds_) {
      if (!stream || hold.stream == *stream) out.push_back(hold);
    }
    return out;
  }
  std::shared_ptr<store::Shard> OpenShard(const ShardId& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = shards_.find(id);
    return found == shards_.end() ? nullptr : found->second;
  }
  Task<Status> EnforceRetention() override { co_return Status(); }
  Stats GetStats() const override { return stats; }

  Stats stats;
  std::optional<ServerTime> gone_before;  // of holds that are made

 private:
  Clock& clock_;
  FakeCatalog catalog_;
  mutable std::mutex mutex_;
  std::map<StreamName, store::StreamInfo> streams_;
  std::vector<store::Hold> holds_;
  int holds_made_ = 0;
  std::map<ShardId, std::shared_ptr<FakeShard>> shards_;
};

}  // namespace penstock::server
