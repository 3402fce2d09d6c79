// Builders for tests that run a whole store on a real folder.
#pragma once

#include <fmt/format.h>

#include "base/chunk_pool.h"
#include "base/random.h"
#include "store/disk/disk.h"
#include "store/store.h"
#include "tests/testing/temp_dir.h"

namespace penstock::store {

inline Bytes PatternBytes(size_t size, uint64_t seed) {
  std::vector<uint8_t> bytes(size);
  Prng prng(seed + 1);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(prng.Next());
  return Bytes::From(std::move(bytes));
}

inline ByteChain PatternBody(size_t size, uint64_t seed) {
  ChunkWriter writer;
  writer.Write(PatternBytes(size, seed));
  return writer.Finish();
}

inline std::string Text(const ByteChain& chain) { return std::string(chain.Flatten().text()); }
inline std::string Text(const ItemBytes& bytes) { return Text(std::get<ByteChain>(bytes.body)); }

inline StreamName Name(std::string_view text) { return StreamName::Parse(text).value(); }

// The parameter is the number of lanes.
class StoreTest : public ::testing::TestWithParam<int> {
 protected:
  StoreTest() : clock_(ServerTimeFromMs(1'768'478'400'000)) {
    options_.directory = dir_.path() / "data";
    options_.lanes = GetParam();
    options_.segment_bytes = 4u << 20;
    options_.retention_interval = std::chrono::milliseconds(0);
  }
  ~StoreTest() override { Close(); }

  void Open() {
    auto opened = Store::Open(options_, RealDisk(), clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    store_ = std::move(*opened);
  }
  void Close() {
    shards_.clear();
    if (store_) SyncWait(store_->Close());
    store_.reset();
  }
  void Reopen() {
    Close();
    Open();
  }
  std::shared_ptr<Shard> Stream(const std::string& name, uint32_t hours = 24) {
    auto info = store_->GetStream(Name(name));
    if (!info) {
      auto made = SyncWait(store_->CreateStream(Name(name), hours));
      EXPECT_TRUE(made.ok()) << made.error().ToString();
      info = *made;
    }
    return store_->OpenShard(info->shard);
  }
  static NewItem Item(Shard& shard, size_t bytes, uint64_t seed) {
    NewItem item;
    auto slot = shard.OpenSlot();
    EXPECT_TRUE(slot.ok()) << slot.error().ToString();
    item.slot = std::move(*slot);
    item.body = PatternBody(bytes, seed);
    item.meta = PatternBytes(100 + seed % 50, seed ^ 77);
    item.track_set = Bytes::Copy("tracks of a camera");
    item.track_set_meta = Bytes::Copy("h264 640x480");
    item.duration = std::chrono::seconds(2);
    item.producer_time = ProducerTimeFromUs(ToMs(item.slot.server_time()) * 1000 - 500'000);
    return item;
  }
  // Appends one fragment of a new or of the given run and checks that it was acknowledged.
  static ItemHeader Append(Shard& shard, size_t bytes, uint64_t seed, RunId run = 0) {
    NewItem item = Item(shard, bytes, seed);
    item.run = run;
    auto header = SyncWait(shard.Append(std::move(item)));
    EXPECT_TRUE(header.ok()) << header.error().ToString();
    return header.ok() ? *header : ItemHeader{};
  }
  static std::vector<ItemRef> Find(Shard& shard, Selector from, size_t limit = 1000) {
    auto found = SyncWait(shard.Find(from, limit));
    EXPECT_TRUE(found.ok()) << found.error().ToString();
    return found.ok() ? *found : std::vector<ItemRef>{};
  }
  static std::vector<uint64_t> Ordinals(const std::vector<ItemRef>& refs) {
    std::vector<uint64_t> out;
    for (const ItemRef& ref : refs) out.push_back(ref.header.ordinal);
    return out;
  }
  static void ExpectBytes(Shard& shard, const ItemRef& ref, size_t bytes, uint64_t seed) {
    auto opened = SyncWait(shard.Open(ref, BodyForm::kMemory));
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    EXPECT_TRUE(Text(*opened) == PatternBytes(bytes, seed).text())
        << "ordinal " << ref.header.ordinal;
    EXPECT_TRUE(opened->meta.text() == PatternBytes(100 + seed % 50, seed ^ 77).text());
  }

  testing::TempDir dir_;
  SimulatedClock clock_;
  StoreOptions options_;
  std::unique_ptr<Store> store_;
  std::vector<std::shared_ptr<Shard>> shards_;
};

}  // namespace penstock::store
