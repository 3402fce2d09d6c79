#include "tests/model/model_run.h"

#include <fmt/format.h>

#include "tests/model/model_stream.h"
#include "tests/testing_store/small_store.h"

namespace penstock::testing {
namespace {

using std::chrono::milliseconds;

constexpr size_t kStreamsMax = 4;
constexpr size_t kOpenSlotsMax = 3;
constexpr size_t kReservedMax = 256;
constexpr uint32_t kHours[] = {1, 2, 24};

}  // namespace

ModelRun::ModelRun(uint64_t seed)
    : prng_(seed),
      clock_(kSmallStoreStart),
      disk_(MakeStoreDisk()),
      options_(SmallStoreOptions(1 + static_cast<int>(prng_.Below(2)))) {
  // In every other store whatever is half dead is rewritten at each look of retention.
  if (prng_.OneIn(2)) options_.clean_at = 0;
  Open();
}

ModelRun::~ModelRun() {
  streams_.clear();
  if (store_) SyncWait(store_->Close());
}

std::vector<std::string> ModelRun::broken() const {
  std::vector<std::string> all = broken_;
  for (const auto& stream : streams_) {
    for (const std::string& line : stream->model.broken())
      all.push_back(stream->info.name.text() + ": " + line);
  }
  return all;
}

void ModelRun::Open() {
  options_.window_bytes_per_stream = prng_.OneIn(2) ? 1 : 40'000;
  Result<std::unique_ptr<store::Store>> opened = store::Store::Open(options_, *disk_, clock_);
  if (!opened.ok()) {
    Broken("cannot open: " + opened.error().ToString());
    return;
  }
  store_ = std::move(*opened);
}

std::string ModelRun::Step() {
  const uint64_t draw = prng_.Below(100);
  std::string what;
  if (draw < 4) {
    what = "reopen";
    SyncWait(EndAllSlots());
    Reopen();
  } else {
    what = SyncWait(Act(draw));
  }
  if (store_ != nullptr) SyncWait(CompareAll());
  return what;
}

ModelRun::Stream* ModelRun::AnyStream() {
  return streams_.empty() ? nullptr : streams_[prng_.Below(streams_.size())].get();
}

Task<std::string> ModelRun::Act(uint64_t draw) {
  Stream* const stream = AnyStream();
  if (stream == nullptr || draw < 8) {
    co_await CreateOrDelete();
    co_return "create or delete";
  }
  if (draw < 30) {
    co_await OpenSlots(*stream);
    co_return "open slots";
  }
  if (draw < 55) {
    co_await EndSlot(*stream);
    co_return "end a slot";
  }
  if (draw < 70) {
    co_await AppendMany(*stream);
    co_return "append many";
  }
  if (draw < 75) {
    co_await Trim(*stream);
    co_return "trim";
  }
  if (draw < 84) {
    co_await PassTime();
    co_return "pass time";
  }
  if (draw < 87) {
    co_await ChangeRetention(*stream);
    co_return "change retention";
  }
  if (draw < 92) {
    co_await ChangeHolds(*stream);
    co_return "change holds";
  }
  if (draw < 97) {
    co_await ChangeCatalog();
    co_return "change the catalog";
  }
  co_await RepeatRequest();
  co_return "repeat a request";
}

Task<void> ModelRun::CreateOrDelete() {
  if (streams_.size() < kStreamsMax && (streams_.empty() || prng_.OneIn(2))) {
    // A name that was deleted is made again sometimes: a new life with a new id.
    const uint64_t number =
        next_stream_ > 0 && prng_.OneIn(3) ? prng_.Below(next_stream_) : next_stream_++;
    const StreamName name = StreamName::Parse(fmt::format("stream{}", number)).value();
    const bool taken = store_->GetStream(name).has_value();
    const auto info = co_await store_->CreateStream(name, kHours[prng_.Below(std::size(kHours))]);
    if (info.ok() == taken)
      Broken(fmt::format("creating {}: taken {}, ok {}", name.text(), taken, info.ok()));
    if (!info.ok()) {
      if (info.error().code() != ErrorCode::kAlreadyExists) Broken(info.error().ToString());
      co_return;
    }
    streams_.push_back(std::make_unique<Stream>(*info, store_->OpenShard(info->shard)));
    if (streams_.back()->shard == nullptr) Broken("a new stream has no shard");
    co_return;
  }
  const size_t which = prng_.Below(streams_.size());
  if (!streams_[which]->holds.empty() && prng_.OneIn(2)) {
    const Status refused = co_await store_->DeleteStream(streams_[which]->info.name);
    if (refused.ok() || refused.error().code() != ErrorCode::kConflict)
      Broken("a stream with a hold is deleted");
    co_return;
  }
  while (!streams_[which]->holds.empty()) co_await ReleaseHold(*streams_[which]);
  const store::StreamInfo gone = streams_[which]->info;
  for (const std::string& line : streams_[which]->model.broken()) Broken(line);
  streams_.erase(streams_.begin() + static_cast<ptrdiff_t>(which));
  const Status deleted = co_await store_->DeleteStream(gone.name);
  if (!deleted.ok()) Broken("cannot delete: " + deleted.error().ToString());
  if (store_->GetStream(gone.name)) Broken("deleted, and yet there");
  if (store_->OpenShard(gone.shard) != nullptr) Broken("deleted, and yet its shard opens");
}

Task<void> ModelRun::OpenSlots(Stream& stream) {
  while (stream.slots.size() < kOpenSlotsMax) {
    Result<store::Slot> slot = stream.shard->OpenSlot();
    if (!slot.ok()) {
      Broken("no slot: " + slot.error().ToString());
      co_return;
    }
    stream.model.Opened(*slot, clock_.Now(), TestItem{.seed = ++next_item_});
    const uint64_t ordinal = slot->ordinal();
    stream.slots.emplace(ordinal, std::move(*slot));
    clock_.Advance(milliseconds(prng_.Below(3000)));
    if (prng_.OneIn(2)) co_return;
  }
}

Task<void> ModelRun::EndSlot(Stream& stream) {
  if (stream.slots.empty()) co_return;
  const auto chosen =
      std::next(stream.slots.begin(), static_cast<ptrdiff_t>(prng_.Below(stream.slots.size())));
  store::Slot slot = std::move(chosen->second);
  stream.slots.erase(chosen);
  const uint64_t ordinal = slot.ordinal();
  const TestItem content = stream.model.at(ordinal).content;
  const store::RunId run = prng_.OneIn(4) ? 0 : stream.model.newest_run();
  const uint64_t how = prng_.Below(8);
  if (how == 0) {
    { const store::Slot gone = std::move(slot); }
    stream.model.Abandoned(ordinal);
  } else if (how == 1) {
    auto item = content.Make(std::move(slot), run);
    const auto header = co_await stream.shard->Drop(std::move(item), store::GapReason::kOverload);
    if (!header.ok()) Broken("cannot drop: " + header.error().ToString());
    stream.model.Dropped(ordinal, store::GapReason::kOverload, run);
  } else {
    stream.slots.emplace(ordinal, std::move(slot));
    co_await Store(stream, ordinal, run);
  }
  // A slot that ends without an item is passed when its end is durable, which nobody waits for;
  // comparing does.
  if (const uint64_t end = stream.model.visible_end(); end > 0) {
    const Status reached = co_await stream.shard->WaitForOrdinal(end - 1, CancelToken());
    if (!reached.ok()) Broken("waiting: " + reached.error().ToString());
  }
}

Task<void> ModelRun::Store(Stream& stream, uint64_t ordinal, store::RunId run) {
  const auto found = stream.slots.find(ordinal);
  store::Slot slot = std::move(found->second);
  stream.slots.erase(found);
  auto item = stream.model.at(ordinal).content.Make(std::move(slot), run);
  const auto header = co_await stream.shard->Append(std::move(item));
  if (header.ok()) {
    stream.model.Stored(ordinal, run, *header);
  } else {
    Broken("cannot append: " + header.error().ToString());
  }
}

Task<void> ModelRun::AppendMany(Stream& stream) {
  const uint64_t count = 1 + prng_.Below(20);
  for (uint64_t i = 0; i < count; ++i) {
    co_await OpenSlots(stream);
    co_await EndSlot(stream);
  }
}

Task<void> ModelRun::EndAllSlots() {
  for (const auto& stream : streams_) {
    while (!stream->slots.empty()) co_await EndSlot(*stream);
  }
}

Task<void> ModelRun::Trim(Stream& stream) {
  const uint64_t oldest = stream.model.oldest_ordinal();
  const uint64_t end = stream.model.visible_end();
  if (end <= oldest) co_return;
  const uint64_t before = oldest + prng_.Below(end - oldest + 1);
  const Status trimmed = co_await stream.shard->Trim(before);
  if (!trimmed.ok()) Broken("cannot trim: " + trimmed.error().ToString());
  stream.model.Trimmed(before);
}

Task<void> ModelRun::PassTime() {
  co_await EndAllSlots();
  // What is too old now stays hidden, though the clock may be set back next.
  const Status before = co_await store_->EnforceRetention();
  if (!before.ok()) Broken("cannot enforce retention: " + before.error().ToString());
  switch (prng_.Below(5)) {
    case 0:
      clock_.StepWall(-milliseconds(prng_.Below(9'000)));
      break;  // within the tolerance
    case 1:
      clock_.StepWall(-milliseconds(prng_.Below(3'600'000)));
      break;  // somebody sets the clock back
    case 2:
      clock_.Advance(milliseconds(prng_.Below(5'400'000)));
      break;
    default:
      clock_.Advance(milliseconds(prng_.Below(600'000)));
      break;
  }
  const Status enforced = co_await store_->EnforceRetention();
  if (!enforced.ok()) Broken("cannot enforce retention: " + enforced.error().ToString());
  for (const auto& stream : streams_) stream->model.RetentionPassed(clock_.Now());
  // A clock run begins with an item that is there: a slot of it is nothing yet.
  for (const auto& stream : streams_) {
    co_await OpenSlots(*stream);
    while (!stream->slots.empty()) co_await Store(*stream, stream->slots.begin()->first, 0);
  }
}

Task<void> ModelRun::ChangeRetention(Stream& stream) {
  co_await EndAllSlots();
  const uint32_t hours = kHours[prng_.Below(std::size(kHours))];
  store::StreamChange change;
  change.retention_hours = hours;
  const auto info = co_await store_->ChangeStream(stream.info.name, change);
  if (!info.ok()) {
    Broken("cannot set retention: " + info.error().ToString());
    co_return;
  }
  if (info->retention_hours != hours) Broken("retention is not what it was set to");
  stream.info = *info;
  stream.model.SetRetention(hours);
  const Status enforced = co_await store_->EnforceRetention();
  if (!enforced.ok()) Broken("cannot enforce retention: " + enforced.error().ToString());
  for (const auto& each : streams_) each->model.RetentionPassed(clock_.Now());
}

Task<void> ModelRun::ChangeCatalog() {
  std::vector<store::Expect> expects;
  std::vector<store::CatalogWrite> writes;
  bool holds = true;
  const uint64_t keys = 1 + prng_.Below(3);
  std::set<std::string> used;
  for (uint64_t i = 0; i < keys; ++i) {
    const std::string key = fmt::format("test/{}", prng_.Below(8));
    if (!used.insert(key).second) continue;
    if (!prng_.OneIn(3)) {
      const auto known = catalog_.find(key);
      const uint64_t version = known == catalog_.end() ? 0 : known->second.version;
      const bool wrong = prng_.OneIn(8);
      if (wrong) holds = false;
      expects.push_back({.key = key, .version = wrong ? version + 1 : version});
    }
    store::CatalogWrite& write = writes.emplace_back();
    write.key = key;
    if (!prng_.OneIn(4))
      write.value =
          Bytes::Copy(fmt::format("{} {}", prng_.Next(), std::string(prng_.Below(3000), 'v')));
  }
  const std::vector<store::CatalogWrite> wanted = writes;
  const std::string request =
      prng_.OneIn(2) ? std::string() : fmt::format("request {}", ++requests_);
  std::string id = request;
  const Status done =
      co_await store_->catalog().Txn(std::move(expects), std::move(writes), std::move(id));
  if (done.ok() != holds)
    Broken(fmt::format("transaction: expected {}, got {}", holds,
                       done.ok() ? "ok" : done.error().ToString()));
  if (!done.ok() && done.error().code() != ErrorCode::kConflict) Broken(done.error().ToString());
  if (!request.empty()) {
    last_request_ = request;
    last_request_applied_ = done.ok();
  }
  if (!done.ok()) co_return;
  for (const store::CatalogWrite& write : wanted) {
    if (!write.value) {
      catalog_.erase(write.key);
      continue;
    }
    const auto entry = store_->catalog().Get(write.key);
    CatalogValue& known = catalog_[write.key];
    if (!entry || entry->version <= known.version) Broken("a change did not make the version grow");
    known = {std::string(write.value->text()), entry ? entry->version : 0};
  }
}

Task<void> ModelRun::RepeatRequest() {
  if (last_request_.empty()) co_return;
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = "test/0";
  writes[0].value = Bytes::Copy("never written: the request has had its outcome");
  std::string id = last_request_;
  std::vector<store::Expect> expects;
  const Status done =
      co_await store_->catalog().Txn(std::move(expects), std::move(writes), std::move(id));
  if (done.ok() != last_request_applied_) Broken("a repeated request had another outcome");
}

// The clock of a run jumps, so that the log looks slow now and then.
void ModelRun::TakeReserved(Stream& stream) {
  const store::Selector behind = store::FromOrdinal{stream.model.size()};
  const auto reserved = SyncWait(stream.shard->Find(behind, kReservedMax + 1));
  if (!reserved.ok() || reserved->size() > kReservedMax) {
    Broken("cannot list what was reserved, or too much was");
    return;
  }
  for (const store::ItemRef& ref : *reserved) stream.model.Reserved(ref.header, clock_.Now());
}

// Whatever was moved meanwhile, the index is what the log says.
void ModelRun::CheckFolder() {
  const auto report = store::Store::Check(options_.directory, *disk_);
  if (!report.ok()) return Broken("cannot check: " + report.error().ToString());
  for (const auto& finding : report->findings) {
    if (finding.harmful) Broken(fmt::format("check: {}: {}", finding.where, finding.what));
  }
}

void ModelRun::Reopen() {
  for (const auto& stream : streams_) {
    stream->tail.reset();
    stream->shard.reset();
  }
  if (prng_.OneIn(2)) disk_->SnapshotIndex();
  SyncWait(store_->Close());
  store_.reset();
  CheckFolder();
  if (prng_.OneIn(2))
    disk_ = disk_->Crash(prng_.Next(), prng_.OneIn(2) ? IndexAge::kNone : IndexAge::kOlder);
  Open();
  if (store_ == nullptr) return;
  for (const auto& stream : streams_) {
    stream->shard = store_->OpenShard(stream->info.shard);
    if (stream->shard == nullptr) {
      Broken("a shard is gone");
      streams_.clear();
      return;
    }
    TakeReserved(*stream);
    stream->model.Reopened();
  }
}

}  // namespace penstock::testing
