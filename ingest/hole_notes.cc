#include "ingest/hole_notes.h"

#include "base/json.h"
#include "base/log.h"

namespace penstock::ingest {
namespace {

using store::GapReason;

constexpr std::string_view kPrefix = "hole/";
constexpr size_t kPage = 256;

std::string KeyOf(const StreamName& stream) { return std::string(kPrefix) + stream.text(); }

}  // namespace

HoleNotes::~HoleNotes() { CHECK(writing_ == 0); }

Task<void> HoleNotes::Sweep(const store::Store& store) {
  std::string after;
  for (;;) {
    const std::vector<store::CatalogEntry> page = catalog_.Scan(kPrefix, after, kPage);
    if (page.empty()) co_return;
    after = page.back().key;
    std::vector<store::Expect> expects;
    std::vector<store::CatalogWrite> writes;
    for (const store::CatalogEntry& stored : page) {
      const auto name = StreamName::Parse(std::string_view(stored.key).substr(kPrefix.size()));
      const auto stream = name.ok() ? store.GetStream(*name) : std::nullopt;
      const std::optional<Entry> entry = Parse(stored);
      if (stream && entry && entry->shard == stream->shard) continue;
      expects.push_back(store::Expect{.key = stored.key, .version = stored.version});
      writes.push_back(store::CatalogWrite{.key = stored.key, .value = std::nullopt});
    }
    if (writes.empty()) continue;
    const Status erased =
        co_await catalog_.Txn(std::move(expects), std::move(writes), std::string());
    // Best effort: they are good for nothing, and the next start tries again.
    if (!erased.ok())
      log::Write(log::kInfo, "old notes not erased", {{"error", erased.error().ToString()}});
  }
}

void HoleNotes::Note(const StreamName& stream, const ShardId& shard, uint64_t after,
                     GapReason reason) {
  CHECK(Executor::Current() != nullptr);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    Known& known = notes_[stream];
    known.entry = Entry{shard, after, reason};
    if (!MustWrite(known)) return;
  }
  Detach(RunWrites(stream));
}

Task<void> HoleNotes::NoteRemoval(StreamName stream) {
  const std::optional<Entry> stored = Load(stream);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) co_return;
    const auto found = notes_.find(stream);
    if (found == notes_.end() && !stored) co_return;
    Known& known = found == notes_.end() ? notes_[stream] : found->second;
    if (found == notes_.end()) known.entry = *stored;
    if (known.entry.reason == GapReason::kSourceRemoved) co_return;
    known.entry.reason = GapReason::kSourceRemoved;
    if (!MustWrite(known)) co_return;
  }
  co_await RunWrites(std::move(stream));
}

GapReason HoleNotes::ReasonAfter(const StreamName& stream, const ShardId& shard,
                                 uint64_t last) const {
  std::optional<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = notes_.find(stream);
    if (found != notes_.end()) entry = found->second.entry;
  }
  if (!entry) entry = Load(stream);
  // A crash may have taken the last items before the note, but none comes behind it in the same
  // hole.
  if (entry && entry->shard == shard && last <= entry->after) return entry->reason;
  return GapReason::kRestart;
}

void HoleNotes::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

Task<void> HoleNotes::Drain() {
  Oneshot<Unit> drained;
  {
    const std::lock_guard lock(mutex_);
    if (writing_ == 0) co_return;
    CHECK(!drained_.has_value());
    drained_ = drained;
  }
  co_await drained;
}

std::optional<HoleNotes::Entry> HoleNotes::Load(const StreamName& stream) const {
  const std::optional<store::CatalogEntry> stored = catalog_.Get(KeyOf(stream));
  return stored ? Parse(*stored) : std::nullopt;
}

std::optional<HoleNotes::Entry> HoleNotes::Parse(const store::CatalogEntry& stored) {
  const Result<Json> json = Json::Parse(stored.value.text());
  if (!json.ok()) return std::nullopt;
  const Result<ShardId> shard = ShardId::Parse((*json)["shard"].AsString());
  const int64_t reason = (*json)["reason"].AsInt();
  const bool known =
      reason > int64_t{0} && reason <= static_cast<int64_t>(GapReason::kSourceRemoved);
  if (!shard.ok() || !known) return std::nullopt;
  return Entry{*shard, static_cast<uint64_t>((*json)["after"].AsInt()),
               static_cast<GapReason>(reason)};
}

// One transaction of a stream at a time, so that none overtakes another.
bool HoleNotes::MustWrite(Known& known) {
  known.changed = true;
  if (std::exchange(known.writing, true)) return false;
  ++writing_;
  return true;
}

std::optional<HoleNotes::Entry> HoleNotes::TakeChange(const StreamName& stream) {
  std::optional<Oneshot<Unit>> drained;
  {
    const std::lock_guard lock(mutex_);
    Known& known = notes_[stream];
    if (std::exchange(known.changed, false)) return known.entry;
    known.writing = false;
    if (--writing_ == 0) drained = std::exchange(drained_, std::nullopt);
  }
  if (drained) drained->Set(Unit());
  return std::nullopt;
}

Task<void> HoleNotes::RunWrites(StreamName stream) {
  while (const std::optional<Entry> entry = TakeChange(stream)) {
    Json json;
    json.Set("shard", entry->shard.ToString());
    json.Set("after", entry->after);
    json.Set("reason", static_cast<int>(entry->reason));
    const std::string key = KeyOf(stream);
    const std::optional<store::CatalogEntry> before = catalog_.Get(key);
    std::vector<store::Expect> expects;
    expects.push_back(store::Expect{.key = key, .version = before ? before->version : 0});
    std::vector<store::CatalogWrite> writes;
    writes.push_back(store::CatalogWrite{.key = key, .value = Bytes::From(json.Dump())});
    const Status written =
        co_await catalog_.Txn(std::move(expects), std::move(writes), std::string());
    // Best effort: it is in memory.
    if (!written.ok()) {
      log::Write(log::kInfo, "reason of a hole not stored",
                 {{"stream", stream.text()}, {"error", written.error().ToString()}});
    }
  }
}

}  // namespace penstock::ingest
