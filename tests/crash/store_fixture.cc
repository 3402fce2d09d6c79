#include "tests/crash/store_fixture.h"

namespace penstock::testing {

StoreFixture::StoreFixture() : options_(SmallStoreOptions(1)), disk_(MakeStoreDisk()) {
  options_.window_bytes_per_stream = 1;  // the disk answers
}

StoreFixture::~StoreFixture() { Close(); }

void StoreFixture::Open() {
  Result<std::unique_ptr<store::Store>> opened = store::Store::Open(options_, *disk_, clock_);
  ASSERT_TRUE(opened.ok()) << opened.error().ToString();
  store_ = std::move(*opened);
}

void StoreFixture::Close() {
  if (store_ == nullptr) return;
  SyncWait(store_->Close());
  store_.reset();
}

void StoreFixture::Crash(uint64_t seed, IndexAge index) {
  disk_->CutPower();
  Close();
  disk_ = disk_->Crash(seed, index);
  Open();
}

std::shared_ptr<store::Shard> StoreFixture::Create(const std::string& name) {
  const auto info = SyncWait(store_->CreateStream(StreamName::Parse(name).value(), 24));
  EXPECT_TRUE(info.ok());
  return store_->OpenShard(info->shard);
}

std::shared_ptr<store::Shard> StoreFixture::Shard(const std::string& name) {
  const auto info = store_->GetStream(StreamName::Parse(name).value());
  EXPECT_TRUE(info.has_value());
  return info ? store_->OpenShard(info->shard) : nullptr;
}

Result<store::ItemHeader> StoreFixture::Append(std::shared_ptr<store::Shard> shard, TestItem item) {
  PS_TRY(store::Slot slot, shard->OpenSlot());
  return SyncWait(shard->Append(item.Make(std::move(slot), 0)));
}

std::string StoreFixture::Check(std::shared_ptr<store::Shard> shard, uint64_t ordinal,
                                TestItem item) {
  const auto refs = SyncWait(shard->Find(store::FromOrdinal{ordinal}, 1));
  if (!refs.ok()) return refs.error().ToString();
  if (refs->empty() || refs->front().header.ordinal != ordinal) return "not there";
  if (std::string why = item.Compare(refs->front().header); !why.empty()) return why;
  const auto bytes = SyncWait(shard->Open(refs->front(), store::BodyForm::kMemory));
  if (!bytes.ok()) return bytes.error().ToString();
  return item.Compare(bytes->meta, ReadWhole(*bytes));
}

std::vector<store::ItemHeader> StoreFixture::List(std::shared_ptr<store::Shard> shard) {
  std::vector<store::ItemHeader> headers;
  const auto refs = SyncWait(shard->Find(store::FromOldest{}, 10'000));
  EXPECT_TRUE(refs.ok());
  if (refs.ok()) {
    for (const store::ItemRef& ref : *refs) headers.push_back(ref.header);
  }
  return headers;
}

namespace {

Task<void> RunAppend(std::shared_ptr<store::Shard> shard, store::NewItem item, Oneshot<bool> done) {
  const auto header = co_await shard->Append(std::move(item));
  done.Set(header.ok());
}

Task<void> RunDrop(std::shared_ptr<store::Shard> shard, store::NewItem item, Oneshot<bool> done) {
  const auto header = co_await shard->Drop(std::move(item), store::GapReason::kOverload);
  done.Set(header.ok());
}

Task<bool> Wait(Oneshot<bool> done) {
  const bool value = co_await done;
  co_return value;
}

}  // namespace

void StoreFixture::StartAppend(std::shared_ptr<store::Shard> shard, store::NewItem item) {
  begun_.emplace_back();
  Detach(RunAppend(std::move(shard), std::move(item), begun_.back()));
}

void StoreFixture::StartDrop(std::shared_ptr<store::Shard> shard, store::NewItem item) {
  begun_.emplace_back();
  Detach(RunDrop(std::move(shard), std::move(item), begun_.back()));
}

void StoreFixture::AwaitAll() {
  for (const Oneshot<bool>& done : begun_) EXPECT_TRUE(SyncWait(Wait(done)));
  begun_.clear();
}

}  // namespace penstock::testing
