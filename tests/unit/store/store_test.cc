#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

using ::testing::ElementsAre;

INSTANTIATE_TEST_SUITE_P(Lanes, StoreTest, ::testing::Values(1, 2));

TEST_P(StoreTest, WhatWasAcknowledgedIsThereAfterAReopen) {
  Open();
  const size_t sizes[] = {1, 4096, 70'000, 300'000, 0, 5000};
  std::vector<ItemHeader> written;
  {
    auto shard = Stream("cam1");
    for (size_t i = 0; i < std::size(sizes); ++i) {
      clock_.Advance(std::chrono::seconds(2));
      written.push_back(Append(*shard, sizes[i], i, i == 0 ? 0 : written[0].run));
    }
  }
  for (int opening = 0; opening < 3; ++opening) {
    SCOPED_TRACE(opening);
    Reopen();
    auto shard = Stream("cam1");
    const auto found = Find(*shard, FromOldest{});
    ASSERT_EQ(found.size(), std::size(sizes));
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].header.number, written[i].number);
      EXPECT_EQ(found[i].header.number.salt, written[i].number.salt);
      EXPECT_EQ(found[i].header.ordinal, i);
      EXPECT_EQ(found[i].header.run, written[0].run);
      ExpectBytes(*shard, found[i], sizes[i], i);
    }
    const ShardStatus status = shard->GetStatus();
    EXPECT_EQ(status.items, std::size(sizes));
    EXPECT_EQ(status.next_ordinal, std::size(sizes));
    EXPECT_EQ(status.newest->ordinal, std::size(sizes) - 1);
    auto set = SyncWait(shard->GetTrackSet(found[0].header.track_set));
    ASSERT_TRUE(set.ok()) << set.error().ToString();
    EXPECT_EQ(set->body.text(), "tracks of a camera");
    EXPECT_EQ(set->meta.text(), "h264 640x480");
  }
}

TEST_P(StoreTest, TheMemoryOfTheIndexIsTold) {
  Open();
  auto shard = Stream("cam1");
  const uint64_t before = store_->GetStats().index_buffer_bytes;
  for (uint64_t i = 0; i < 300; ++i) Append(*shard, 100, i);
  // Three rows of each item: its own, and one for each order of time.
  const uint64_t after = store_->GetStats().index_buffer_bytes;
  EXPECT_GE(after, before + 300 * 100);
  EXPECT_LE(after, uint64_t{48} << 20);
}

TEST_P(StoreTest, NumbersGrowOverReopensAndOrdinalsGoOn) {
  Open();
  uint64_t last = 0;
  for (uint64_t i = 0; i < 5; ++i) {
    auto shard = Stream("cam1");
    const ItemHeader header = Append(*shard, 100, i);
    EXPECT_GT(header.number.index, last);
    EXPECT_EQ(header.ordinal, i);
    EXPECT_EQ(header.discontinuity_ordinal, i);
    EXPECT_LT(header.number.index, uint64_t{1} << 60);
    last = header.number.index;
    shard.reset();
    Reopen();
  }
}

}  // namespace
}  // namespace penstock::store
