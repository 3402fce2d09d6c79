#include "store/media_before.h"

#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();

class MediaBeforeTest : public StoreTest {
 protected:
  static std::optional<uint64_t> Before(const std::shared_ptr<Shard>& shard, uint64_t ordinal) {
    const auto found = SyncWait(MediaBefore(shard, ordinal)).value();
    return found ? std::optional<uint64_t>(found->ordinal) : std::nullopt;
  }
  static void Abandon(Shard& shard) { EXPECT_TRUE(shard.OpenSlot().ok()); }
};

TEST_P(MediaBeforeTest, IsTheNearestFragmentOrGap) {
  Open();
  const auto shard = Stream("a");
  EXPECT_EQ(Before(shard, kEnd), std::nullopt);
  Append(*shard, 100, 0);
  Append(*shard, 100, 1);
  ASSERT_TRUE(SyncWait(shard->Drop(Item(*shard, 100, 2), GapReason::kOverload)).ok());
  EXPECT_EQ(Before(shard, 0), std::nullopt);
  EXPECT_EQ(Before(shard, 1), 0u);
  EXPECT_EQ(Before(shard, 2), 1u);
  EXPECT_EQ(Before(shard, kEnd), 2u);
}

TEST_P(MediaBeforeTest, PassesOverAbandonedSlotsHoweverMany) {
  Open();
  auto shard = Stream("a");
  Append(*shard, 100, 0);
  for (int i = 0; i < 100; ++i) Abandon(*shard);
  Append(*shard, 100, 1);
  EXPECT_EQ(Before(shard, 101), 0u);
  shard.reset();
  Reopen();
  EXPECT_EQ(Before(Stream("a"), 101), 0u);
  ASSERT_TRUE(SyncWait(Stream("a")->Trim(1)).ok());
  EXPECT_EQ(Before(Stream("a"), 101), std::nullopt) << "it has expired";
}

TEST_P(MediaBeforeTest, AFragmentKeepsWhyNothingCameBeforeIt) {
  Open();
  auto shard = Stream("a");
  NewItem item = Item(*shard, 100, 0);
  item.gap_reason = GapReason::kSourceRemoved;
  ASSERT_TRUE(SyncWait(shard->Append(std::move(item))).ok());
  EXPECT_EQ(SyncWait(MediaBefore(shard, kEnd)).value()->gap_reason, GapReason::kSourceRemoved);
  shard.reset();
  Reopen();
  EXPECT_EQ(SyncWait(MediaBefore(Stream("a"), kEnd)).value()->gap_reason,
            GapReason::kSourceRemoved);
  Close();
  std::filesystem::remove_all(options_.directory / "index");
  Open();
  EXPECT_EQ(SyncWait(MediaBefore(Stream("a"), kEnd)).value()->gap_reason,
            GapReason::kSourceRemoved);
}

INSTANTIATE_TEST_SUITE_P(Lanes, MediaBeforeTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace penstock::store
