// A volume that keeps space free: the oldest media goes before its time, whole and for good.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

constexpr uint64_t kCapacity = 16u << 20;
constexpr uint64_t kMinFree = 6u << 20;

class MakeRoomTest : public StoreFixture {
 protected:
  MakeRoomTest() {
    disk_->SetCapacity(kCapacity);
    options_.min_free_bytes = kMinFree;
    Open();
    streams_ = {Create("a"), Create("b")};
  }
  ~MakeRoomTest() override { streams_.clear(); }

  // Nothing is refused.
  void Record(int items) {
    for (int i = 0; i < items; ++i) {
      const size_t stream = items_ % streams_.size();
      const TestItem item{.seed = ++items_};
      clock_.Advance(std::chrono::milliseconds(100));
      const auto header = Append(streams_[stream], item);
      ASSERT_TRUE(header.ok()) << "item " << items_ << ": " << header.error().ToString();
      acked_[stream].emplace(header->ordinal, item);
      // The store looks at the volume every few seconds; here, every few items.
      if (items_ % 8 == 0) (void)SyncWait(store_->EnforceRetention());
    }
  }
  // Everything from the oldest on is there, and nothing before it.
  void ExpectTheNewest() {
    for (size_t stream = 0; stream < streams_.size(); ++stream) {
      const uint64_t oldest = streams_[stream]->GetStatus().oldest_ordinal;
      const std::vector<store::ItemHeader> listed = List(streams_[stream]);
      ASSERT_FALSE(listed.empty());
      EXPECT_EQ(listed.front().ordinal, oldest);
      EXPECT_EQ(listed.size(), acked_[stream].rbegin()->first + 1 - oldest);
      for (const auto& [ordinal, item] : acked_[stream]) {
        const std::string found = Check(streams_[stream], ordinal, item);
        EXPECT_EQ(found.empty(), ordinal >= oldest) << "ordinal " << ordinal << ": " << found;
      }
    }
  }
  std::vector<uint64_t> Oldest() {
    std::vector<uint64_t> out;
    for (const auto& shard : streams_) out.push_back(shard->GetStatus().oldest_ordinal);
    return out;
  }
  void Reopen(uint64_t seed, IndexAge index) {
    streams_.clear();
    Crash(seed, index);
    streams_ = {Shard("a"), Shard("b")};
  }

  std::vector<std::shared_ptr<store::Shard>> streams_;
  uint64_t items_ = 0;
  std::map<size_t, std::map<uint64_t, TestItem>> acked_;
};

TEST_F(MakeRoomTest, TheOldestOfAllStreamsGoesAndNothingIsRefused) {
  Record(3000);
  (void)SyncWait(store_->EnforceRetention());
  EXPECT_GE(disk_->GetSpace("/store")->free_bytes, kMinFree);
  EXPECT_FALSE(store_->GetStats().full);
  for (const uint64_t oldest : Oldest()) EXPECT_GT(oldest, 100u);
  ExpectTheNewest();
}

TEST_F(MakeRoomTest, WhatWentStaysGoneAndTheRestStaysWhateverIsLeftOfTheIndex) {
  Record(2500);
  for (const IndexAge index : {IndexAge::kNewest, IndexAge::kNone}) {
    const std::vector<uint64_t> before = Oldest();
    Reopen(7, index);
    EXPECT_EQ(Oldest(), before);
    ExpectTheNewest();
  }
  Record(500);
  ExpectTheNewest();
}

TEST_F(MakeRoomTest, ThePowerMayGoAtEveryStepOfIt) {
  Record(2000);
  for (uint64_t calls = 1; calls < 24; ++calls) {
    // A little less room than is to be free.
    const store::Disk::Space space = disk_->GetSpace("/store").value();
    const std::vector<uint64_t> before = Oldest();
    disk_->SetCapacity(space.total_bytes - space.free_bytes + kMinFree - 4096);
    disk_->CutPowerAfter(calls);
    (void)SyncWait(store_->EnforceRetention());
    Reopen(calls, calls % 2 == 0 ? IndexAge::kNewest : IndexAge::kNone);
    const std::vector<uint64_t> after = Oldest();
    for (size_t i = 0; i < after.size(); ++i) EXPECT_GE(after[i], before[i]) << calls;
    ExpectTheNewest();
    disk_->SetCapacity(2 * kCapacity);
    Record(80);
  }
}

// It is kept for `store check`, and the next one goes in its stead.
TEST_F(MakeRoomTest, ASegmentThatMustStayIsNotTakenForRoom) {
  Record(2000);
  std::filesystem::path oldest;
  for (const auto& file : disk_->Files()) {
    if (file.filename().string().ends_with("-24h.segment") && (oldest.empty() || file < oldest))
      oldest = file;
  }
  ASSERT_FALSE(oldest.empty());
  disk_->Flip(oldest, disk_->Contents(oldest).size() - 40, 1);  // in the footer's CRC
  const store::Disk::Space space = disk_->GetSpace("/store").value();
  disk_->SetCapacity(space.total_bytes - space.free_bytes + kMinFree - 4096);
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  EXPECT_GE(disk_->GetSpace("/store")->free_bytes, kMinFree);
  const auto files = disk_->Files();
  EXPECT_NE(std::find(files.begin(), files.end(), oldest), files.end());
  ExpectTheNewest();
}

TEST_F(MakeRoomTest, ItIsOffUnlessAsked) {
  streams_.clear();
  Close();
  options_.min_free_bytes = 0;
  Open();
  streams_ = {Shard("a"), Shard("b")};
  uint64_t taken = 0;
  while (Append(streams_[0], TestItem{.seed = ++items_}).ok()) {
    if (++taken % 8 == 0) (void)SyncWait(store_->EnforceRetention());
    ASSERT_LT(taken, 20'000u) << "the disk never fills";
  }
  EXPECT_EQ(streams_[0]->GetStatus().oldest_ordinal, 0u);
}

}  // namespace
}  // namespace penstock::testing
