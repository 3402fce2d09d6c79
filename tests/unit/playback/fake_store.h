// A store that holds what a test puts into it, in memory. Only what playback reads works.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "store/store.h"

namespace penstock::playback {

class FakeShard final : public store::Shard {
 public:
  struct Item {
    store::ItemHeader header;
    ByteChain body;
    Bytes meta;
  };

  explicit FakeShard(ShardId id) : id_(id) {}

  std::vector<Item> items;               // by ordinal, from `first`
  uint64_t first = 0;                    // ordinal of items.front()
  uint64_t oldest = 0;                   // what is older is hidden...
  std::vector<store::HeldStretch> held;  // ...but these
  uint64_t held_changes = 0;
  uint64_t live_changes = 0;
  std::map<store::TrackSetId, store::TrackSet> track_sets;
  std::set<uint64_t> damaged;     // ordinals whose bytes are wrong
  std::set<uint64_t> unreadable;  // ordinals whose bytes the disk does not give
  std::set<store::TrackSetId> damaged_track_sets;
  bool index_fails = false;
  int opens = 0;
  int metas = 0;
  int finds = 0;
  uint64_t given = 0;                         // items, by Find
  uint64_t ahead = 0;                         // so many of the newest are not durable yet
  std::shared_ptr<const FileHandle> file;     // if set, kFileSlice bodies are ranges of it
  std::map<uint64_t, uint64_t> file_offsets;  // by ordinal
  std::optional<Oneshot<Unit>> hold_open;     // if set, Open waits for it

  // Appends, with the next ordinal.
  store::ItemHeader& Add(Item item) {
    item.header.ordinal = first + items.size();
    item.header.number.index = item.header.ordinal + 1;
    item.header.body_bytes = static_cast<uint32_t>(item.body.size());
    item.header.meta_bytes = static_cast<uint32_t>(item.meta.size());
    items.push_back(std::move(item));
    return items.back().header;
  }

  // From `begin` up to `end`, not included.
  void Hold(uint64_t begin, uint64_t end) {
    store::HeldStretch stretch;
    stretch.first_ordinal = begin;
    stretch.end_ordinal = end;
    held.push_back(stretch);
    ++held_changes;
  }
  bool Shows(uint64_t ordinal) const {
    return ordinal >= oldest || std::any_of(held.begin(), held.end(), [&](const auto& stretch) {
             return stretch.Contains(ordinal);
           });
  }

  const ShardId& id() const override { return id_; }
  Result<store::Slot> OpenSlot() override { return Unsupported(); }
  Task<Result<store::ItemHeader>> Append(store::NewItem) override { std::abort(); }
  Task<Result<store::ItemHeader>> Drop(store::NewItem, store::GapReason) override { std::abort(); }

  Task<Result<std::vector<store::ItemRef>>> Find(store::Selector from, size_t limit) override {
    ++finds;
    if (index_fails) co_return Error(ErrorCode::kIo, "index: Input/output error");
    std::vector<store::ItemRef> out;
    for (const Item& item : items) {
      if (!Shows(item.header.ordinal) || !Selected(from, item.header)) continue;
      if (item.header.ordinal >= first + items.size() - ahead) break;
      if (out.size() == limit) break;
      out.push_back(store::ItemRef{id_, item.header});
    }
    given += out.size();
    co_return out;
  }

  std::vector<store::ItemRef> FindLive(uint64_t from, size_t limit) override {
    std::vector<store::ItemRef> out;
    for (const Item& item : items) {
      if (item.header.ordinal < std::max(from, oldest) || out.size() == limit) continue;
      out.push_back(store::ItemRef{id_, item.header});
    }
    return out;
  }

  // By server time only, from the range's beginning.
  Task<Result<std::vector<store::ItemRef>>> FindStarted(store::TimeRange range,
                                                        std::optional<store::RangePlace>,
                                                        size_t limit) override {
    const auto* const times = std::get_if<store::ServerTimeRange>(&range);
    if (times == nullptr) co_return Error(ErrorCode::kUnsupported, "not part of this fake");
    std::vector<store::ItemRef> out;
    for (const Item& item : items) {
      const store::ItemHeader& header = item.header;
      const bool within = header.server_time >= times->from && header.server_time <= times->to;
      if (!within || !Shows(header.ordinal) || header.kind != store::ItemKind::kFragment) continue;
      if (out.size() < limit) out.push_back(store::ItemRef{id_, header});
    }
    co_return out;
  }
  Task<Result<store::TrackSet>> GetTrackSet(store::TrackSetId id) override {
    if (damaged_track_sets.contains(id)) co_return Error(ErrorCode::kCorruption, "wrong checksum");
    const auto found = track_sets.find(id);
    if (found == track_sets.end()) co_return Error(ErrorCode::kNotFound, "no such track set");
    co_return found->second;
  }

  Task<Result<store::ItemBytes>> Open(store::ItemRef ref, store::BodyForm form) override {
    ++opens;
    if (hold_open) co_await *hold_open;
    const uint64_t ordinal = ref.header.ordinal;
    if (!Shows(ordinal)) co_return Error(ErrorCode::kTrimmed, "trimmed");
    if (damaged.contains(ordinal)) co_return Error(ErrorCode::kCorruption, "wrong checksum");
    if (unreadable.contains(ordinal)) co_return Error(ErrorCode::kIo, "pread: Input/output error");
    const Item& item = items.at(ordinal - first);
    store::ItemBytes bytes;
    bytes.meta = item.meta;
    if (form == store::BodyForm::kFileSlice && file) {
      bytes.body = FileSlice{file, file_offsets[ordinal], item.body.size()};
    } else {
      bytes.body = item.body;
    }
    co_return bytes;
  }

  Task<Result<Bytes>> ReadMeta(store::ItemRef ref) override {
    ++metas;
    if (damaged.contains(ref.header.ordinal))
      co_return Error(ErrorCode::kCorruption, "wrong checksum");
    co_return items.at(ref.header.ordinal - first).meta;
  }
  std::unique_ptr<store::Tail> MakeTail(store::Selector) override { return nullptr; }
  store::ShardStatus GetStatus() const override {
    store::ShardStatus status;
    status.live_end = first + items.size();
    status.live_changes = live_changes;
    status.next_ordinal = status.live_end - ahead;
    status.oldest_ordinal = std::max(oldest, first);
    status.items = status.next_ordinal - status.oldest_ordinal;
    status.held = held;
    status.held_changes = held_changes;
    if (status.items > 0) {
      status.oldest = items.at(status.oldest_ordinal - first).header;
      status.newest = items.back().header;
    }
    return status;
  }
  Task<Status> WaitForOrdinal(uint64_t, CancelToken) override { co_return Unsupported(); }
  Task<Status> Trim(uint64_t before_ordinal) override {
    oldest = before_ordinal;
    co_return Status();
  }

 private:
  static Error Unsupported() { return Error(ErrorCode::kUnsupported, "a fake does not"); }

  // At or after the place; a time selects the item that contains it, too.
  static bool Selected(const store::Selector& from, const store::ItemHeader& item) {
    if (const auto* at = std::get_if<store::FromOrdinal>(&from)) return item.ordinal >= at->ordinal;
    if (const auto* at = std::get_if<store::FromServerTime>(&from)) {
      return item.server_time >= at->time || item.server_time + item.duration > at->time;
    }
    return std::holds_alternative<store::FromOldest>(from);
  }

  ShardId id_;
};

class FakeStore final : public store::Store {
 public:
  std::shared_ptr<FakeShard> AddStream(std::string_view name) {
    const StreamName stream = StreamName::Parse(name).value();
    streams_[stream.text()] = std::make_shared<FakeShard>(ShardId::Random());
    return streams_[stream.text()];
  }

  Task<void> Close() override { co_return; }
  store::Catalog& catalog() override { std::abort(); }
  std::vector<store::StreamInfo> ListStreams() const override { return {}; }
  std::optional<store::StreamInfo> GetStream(const StreamName& name) const override {
    const auto found = streams_.find(name.text());
    if (found == streams_.end()) return std::nullopt;
    return store::StreamInfo{.name = name, .shard = found->second->id()};
  }
  Task<Result<store::StreamInfo>> CreateStream(StreamName, uint32_t) override {
    co_return Error(ErrorCode::kUnsupported, "a fake does not");
  }
  Task<Status> DeleteStream(StreamName) override { co_return Status(); }
  Task<Result<store::StreamInfo>> ChangeStream(StreamName, store::StreamChange, uint64_t) override {
    co_return Error(ErrorCode::kUnsupported, "a fake does not");
  }
  Task<Result<store::Hold>> AddHold(store::NewHold) override {
    co_return Error(ErrorCode::kUnsupported, "a fake does not");
  }
  Task<Result<store::Hold>> ReleaseHold(std::string) override {
    co_return Error(ErrorCode::kUnsupported, "a fake does not");
  }
  std::vector<store::Hold> ListHolds(std::optional<StreamName>) const override { return {}; }
  std::shared_ptr<store::Shard> OpenShard(const ShardId& id) override {
    for (const auto& [name, shard] : streams_) {
      if (shard->id() == id) return shard;
    }
    return nullptr;
  }
  Task<Status> EnforceRetention() override { co_return Status(); }
  Stats GetStats() const override { return {}; }

 private:
  std::map<std::string, std::shared_ptr<FakeShard>> streams_;
};

}  // namespace penstock::playback
