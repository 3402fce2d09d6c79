#include "tests/crash/crash_run.h"

#include <fmt/format.h>

#include "tests/testing_store/small_store.h"

namespace penstock::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr int kStreams = 5;
constexpr int kCatalogGroups = 2;

IndexAge DrawAge(Prng& prng) {
  switch (prng.Below(8)) {
    case 0:
      return IndexAge::kNone;
    case 1:
      return IndexAge::kDamaged;
    case 2:
    case 3:
    case 4:
      return IndexAge::kOlder;
    default:
      return IndexAge::kNewest;
  }
}

}  // namespace

// A stream, and whether there is one: being asked for, or its deletion being asked for, it may or
// may not be.
struct CrashRun::Stream {
  enum class There { kNo, kAsked, kYes, kDeletionAsked };

  explicit Stream(std::string text, uint32_t h)
      : name(StreamName::Parse(text).value()), retention_hours(h) {}

  const StreamName name;
  const uint32_t retention_hours;
  There there = There::kNo;
  ShardId shard;
  store::RunId run = 0;
  std::unique_ptr<ShardWitness> witness;

  void Became(const store::StreamInfo& info) {
    there = There::kYes;
    shard = info.shard;
    run = 0;
    witness = std::make_unique<ShardWitness>(hours(retention_hours));
  }
};

CrashRun::CrashRun(uint64_t seed)
    : prng_(seed),
      clock_(kSmallStoreStart),
      disk_(MakeStoreDisk()),
      options_(SmallStoreOptions(1 + static_cast<int>(prng_.Below(2)))) {
  // Mostly the disk, not the window, answers.
  options_.window_bytes_per_stream = prng_.OneIn(2) ? 1 : 30'000;
  // What is half dead is rewritten at each look of retention.
  if (prng_.OneIn(2)) options_.clean_at = 0;
  for (int i = 0; i < kStreams; ++i) {
    streams_.push_back(std::make_unique<Stream>(fmt::format("cam{}", i), i % 2 == 0 ? 24 : 1));
  }
  for (int i = 0; i < kCatalogGroups; ++i) {
    catalog_.push_back(std::make_unique<CatalogWitness>(fmt::format("group{}/", i)));
  }
}

CrashRun::~CrashRun() {
  if (store_) End();
}

uint64_t CrashRun::items_checked() const {
  uint64_t sum = 0;
  for (const auto& stream : streams_) sum += stream->witness ? stream->witness->checked() : 0;
  return sum;
}

std::vector<std::string> CrashRun::broken() const {
  std::vector<std::string> all = broken_;
  for (const auto& stream : streams_) {
    if (!stream->witness) continue;
    for (const std::string& line : stream->witness->broken())
      all.push_back(stream->name.text() + ": " + line);
  }
  for (const auto& group : catalog_)
    all.insert(all.end(), group->broken().begin(), group->broken().end());
  return all;
}

void CrashRun::LiveOnce() {
  while (!Recover()) {
    if (!broken().empty()) return;
  }
  Settle();
  // A power cut that is due would look like promises broken; then this life's findings are checked
  // in the next one.
  if (!cut_planned_) SyncWait(Verify());
  if (!cut_planned_ && !prng_.OneIn(8)) disk_->CutPowerAfter(1 + prng_.Below(60));
  SyncWait(Work());
  End();
  if (!disk_->power_lost() && prng_.OneIn(2)) {  // an orderly restart
    disk_->CutPowerAfter(0);
    return;
  }
  Die();
}

void CrashRun::Die() {
  const uint64_t seed = prng_.Next();
  const IndexAge age = DrawAge(prng_);
  if (prng_.OneIn(4)) {
    disk_ = disk_->Kill(seed, age);
    return;
  }
  ++power_cuts_;
  disk_ = disk_->Crash(seed, age);
}

bool CrashRun::Recover() {
  cut_planned_ = prng_.OneIn(4);
  if (cut_planned_) disk_->CutPowerAfter(1 + prng_.Below(30));
  Result<std::unique_ptr<store::Store>> opened = store::Store::Open(options_, *disk_, clock_);
  if (opened.ok()) {
    store_ = std::move(*opened);
    return true;
  }
  if (!disk_->power_lost()) {
    broken_.push_back("cannot open: " + opened.error().ToString());
    return false;
  }
  Die();
  return false;
}

void CrashRun::Settle() {
  for (const auto& stream : streams_) {
    const std::optional<store::StreamInfo> info = store_->GetStream(stream->name);
    const bool sure = stream->there == Stream::There::kYes || stream->there == Stream::There::kNo;
    if (sure && info.has_value() != (stream->there == Stream::There::kYes)) {
      broken_.push_back(fmt::format("{}: there {}", stream->name.text(), info.has_value()));
    }
    if (!info) {
      stream->there = Stream::There::kNo;
      continue;
    }
    if (stream->there == Stream::There::kAsked) {
      stream->Became(*info);
    } else if (info->shard != stream->shard) {
      broken_.push_back(fmt::format("{}: has become another shard", stream->name.text()));
    }
    stream->there = Stream::There::kYes;
    if (info->retention_hours != stream->retention_hours)
      broken_.push_back("retention has changed");
    const auto shard = store_->OpenShard(stream->shard);
    if (shard == nullptr) {
      broken_.push_back(fmt::format("{}: has no shard", stream->name.text()));
    } else if (stream->witness) {
      stream->witness->Recovered(shard->GetStatus().next_ordinal);
    }
  }
}

Task<void> CrashRun::Verify() {
  for (const auto& stream : streams_) {
    if (stream->there != Stream::There::kYes) continue;
    stream->witness->ClockIs(clock_.Now());
    const auto shard = store_->OpenShard(stream->shard);
    if (shard != nullptr) co_await stream->witness->Verify(shard);
  }
  for (const auto& group : catalog_) co_await group->Verify(store_->catalog());
}

Task<void> CrashRun::Work() {
  for (const auto& stream : streams_) {
    if (stream->there == Stream::There::kNo) co_await Replace(*stream);
  }
  TaskGroup readers;
  TaskGroup writers;
  for (const auto& stream : streams_) {
    if (stream->there != Stream::There::kYes) continue;
    if (prng_.OneIn(2)) readers.Spawn(Follow(*stream, readers.token()));
    if (prng_.OneIn(6)) writers.Spawn(Keep(*stream));
    if (!prng_.OneIn(4)) writers.Spawn(Write(*stream));
    if (prng_.OneIn(4)) writers.Spawn(Write(*stream));
  }
  for (const auto& group : catalog_) writers.Spawn(Change(*group));
  if (prng_.OneIn(3)) disk_->SnapshotIndex();
  co_await writers.Join();
  // One that nobody is writing to any more.
  if (prng_.OneIn(4)) co_await Replace(*streams_.back());
  if (prng_.OneIn(3)) disk_->SnapshotIndex();
  readers.Cancel();
  co_await readers.Join();
}

void CrashRun::End() {
  // Half of the time the power goes while the store still thinks that it may finish; otherwise it
  // closes in order.
  if (prng_.OneIn(2)) disk_->CutPower();
  SyncWait(store_->Close());
  store_.reset();
}

Task<void> CrashRun::Write(Stream& stream) {
  const auto shard = store_->OpenShard(stream.shard);
  if (shard == nullptr) co_return;
  const uint64_t rounds = 1 + prng_.Below(6);
  for (uint64_t round = 0; round < rounds && !disk_->power_lost(); ++round) {
    // A few slots at once, ended in any order.
    std::vector<std::pair<store::Slot, TestItem>> open;
    const uint64_t slots = 1 + prng_.Below(3);
    for (uint64_t i = 0; i < slots; ++i) {
      Result<store::Slot> slot = shard->OpenSlot();
      if (!slot.ok()) break;
      const TestItem item{.seed = ++next_item_};
      stream.witness->Began(*slot, item);
      open.emplace_back(std::move(*slot), item);
    }
    TaskGroup endings;
    while (!open.empty()) {
      std::swap(open[prng_.Below(open.size())], open.back());
      auto [slot, item] = std::move(open.back());
      open.pop_back();
      endings.Spawn(EndSlot(stream, shard, std::move(slot), item, prng_.Below(12)));
    }
    co_await endings.Join();
    clock_.Advance(milliseconds(prng_.Below(2000)));
  }
}

Task<void> CrashRun::EndSlot(Stream& stream, std::shared_ptr<store::Shard> shard, store::Slot slot,
                             TestItem item, uint64_t how) {
  const uint64_t index = slot.number().index;
  if (how == 0) co_return;  // abandoned: the slot goes with this frame
  if (how == 1) {
    auto dropped = item.Make(std::move(slot), stream.run);
    const auto header = co_await shard->Drop(std::move(dropped), store::GapReason::kOverload);
    if (header.ok()) stream.witness->AckedAsGap(index, store::GapReason::kOverload);
    co_return;
  }
  auto whole = item.Make(std::move(slot), prng_.OneIn(5) ? 0 : stream.run);
  const auto header = co_await shard->Append(std::move(whole));
  if (!header.ok()) co_return;
  stream.witness->Acked(index, *header);
  stream.run = header->run;
}

Task<void> CrashRun::Follow(Stream& stream, CancelToken token) {
  const auto shard = store_->OpenShard(stream.shard);
  if (shard == nullptr) co_return;
  const auto tail =
      shard->MakeTail(prng_.OneIn(2) ? store::Selector(store::FromLatest()) : store::FromOldest());
  while (true) {
    const auto items = co_await tail->Next(3, token);
    if (!items.ok()) co_return;
    for (const store::ItemRef& ref : *items) stream.witness->Seen(ref.header);
  }
}

Task<void> CrashRun::Keep(Stream& stream) {
  const auto shard = store_->OpenShard(stream.shard);
  if (shard == nullptr) co_return;
  if (prng_.OneIn(2)) {
    const store::ShardStatus status = shard->GetStatus();
    const uint64_t before =
        status.oldest_ordinal + prng_.Below(status.next_ordinal - status.oldest_ordinal + 1);
    stream.witness->TrimBegan(before);
    const Status trimmed = co_await shard->Trim(before);
    if (trimmed.ok()) stream.witness->TrimAcked(before);
    co_return;
  }
  clock_.Advance(minutes(prng_.Below(90)));
  for (const auto& each : streams_) {
    if (each->witness) each->witness->ClockIs(clock_.Now());
  }
  (void)co_await store_
      ->EnforceRetention();  // May fail when the power goes: then it is done later.
}

Task<void> CrashRun::Change(CatalogWitness& group) {
  const uint64_t changes = prng_.Below(5);
  for (uint64_t i = 0; i < changes; ++i) {
    const bool acked = co_await group.Change(store_->catalog());
    if (!acked) co_return;
  }
}

Task<void> CrashRun::Replace(Stream& stream) {
  if (stream.there == Stream::There::kNo) {
    stream.there = Stream::There::kAsked;
    const auto info = co_await store_->CreateStream(stream.name, stream.retention_hours);
    if (info.ok()) stream.Became(*info);
  } else if (stream.there == Stream::There::kYes) {
    stream.there = Stream::There::kDeletionAsked;
    const Status deleted = co_await store_->DeleteStream(stream.name);
    if (deleted.ok()) stream.there = Stream::There::kNo;
  }
}

}  // namespace penstock::testing
