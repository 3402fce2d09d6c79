#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RangeTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Open();
    shard_ = Stream("cam", 24);
  }
  // A fragment that comes now and says that it was made at that millisecond.
  void Add(int64_t producer_ms) {
    NewItem item = Item(*shard_, 100, static_cast<uint64_t>(producer_ms));
    item.producer_time = ProducerTimeFromUs(producer_ms * 1000);
    ASSERT_TRUE(SyncWait(shard_->Append(std::move(item))).ok());
    clock_.Advance(std::chrono::seconds(2));
  }
  std::vector<ItemRef> Started(TimeRange range, size_t limit = 100,
                               std::optional<RangePlace> after = {}) {
    return SyncWait(shard_->FindStarted(range, after, limit)).value();
  }
  static RangePlace PlaceOf(const ItemRef& item) {
    return RangePlace{item.header.ordinal, item.header.number.index, item.header.producer_time};
  }
  static TimeRange Producer(int64_t from_ms, int64_t to_ms) {
    return ProducerTimeRange{ProducerTimeFromUs(from_ms * 1000), ProducerTimeFromUs(to_ms * 1000)};
  }

  std::shared_ptr<Shard> shard_;
};

INSTANTIATE_TEST_SUITE_P(Lanes, RangeTest, ::testing::Values(1, 2));

TEST_P(RangeTest, ARangeOfServerTimesHasBothItsEndsAndNothingThatBeganBefore) {
  const ServerTime start = clock_.Now();
  for (int64_t i = 0; i < 5; ++i) Add(i);
  const auto at = [&](int64_t s) { return start + std::chrono::seconds(s); };
  EXPECT_THAT(Ordinals(Started(ServerTimeRange{at(2), at(6)})), ElementsAre(1, 2, 3));
  EXPECT_THAT(Ordinals(Started(ServerTimeRange{at(3), at(5)})), ElementsAre(2));
  EXPECT_THAT(Ordinals(Started(ServerTimeRange{ServerTime(), at(1)})), ElementsAre(0));
  EXPECT_THAT(Ordinals(Started(ServerTimeRange{at(9), at(99)})), IsEmpty());
  EXPECT_THAT(Ordinals(Started(ServerTimeRange{at(6), at(2)})), IsEmpty());
  EXPECT_THAT(Ordinals(Started(ServerTimeRange{ServerTimeFromMs(-5), ServerTimeFromMs(-1)})),
              IsEmpty());
}

TEST_P(RangeTest, ARangeOfServerTimesFindsWhatCameAfterTheClockFellBack) {
  const ServerTime start = clock_.Now();
  for (int64_t i = 0; i < 3; ++i) Add(i);
  clock_.SetWall(start + std::chrono::seconds(1000));
  Add(3);
  clock_.SetWall(start + std::chrono::seconds(1));  // a new clock run
  Add(4);
  const TimeRange range = ServerTimeRange{start, start + std::chrono::seconds(10)};
  EXPECT_THAT(Ordinals(Started(range)), ElementsAre(0, 1, 2, 4));
  const auto page = Started(range, 3);
  EXPECT_THAT(Ordinals(Started(range, 3, PlaceOf(page.back()))), ElementsAre(4));
}

TEST_P(RangeTest, ProducerTimesThatRunBackwardsAreListedInTheirOwnOrder) {
  for (const int64_t ms : {5000, 3000, 4000, 4000, 9000}) Add(ms);
  EXPECT_THAT(Ordinals(Started(Producer(3000, 5000))), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(Ordinals(Started(Producer(3001, 4999))), ElementsAre(2, 3));
  EXPECT_THAT(Ordinals(Started(Producer(-10, 2999))), IsEmpty());
  // Page by page, over two of the same time.
  std::vector<uint64_t> seen;
  std::optional<RangePlace> after;
  while (true) {
    const auto page = Started(Producer(0, 10'000), 1, after);
    if (page.empty()) break;
    ASSERT_EQ(page.size(), 1u);
    seen.push_back(page[0].header.ordinal);
    after = PlaceOf(page[0]);
  }
  EXPECT_THAT(seen, ElementsAre(1, 2, 3, 0, 4));
}

TEST_P(RangeTest, HolesAndHiddenItemsAreNoFragments) {
  Add(1000);
  { auto hole = shard_->OpenSlot(); }
  Add(2000);
  const TimeRange all = ServerTimeRange{ServerTime(), clock_.Now() + std::chrono::hours(1)};
  EXPECT_THAT(Ordinals(Started(all)), ElementsAre(0, 2));
  EXPECT_THAT(Ordinals(Started(Producer(0, 9000))), ElementsAre(0, 2));
  ASSERT_TRUE(SyncWait(shard_->Trim(1)).ok());
  EXPECT_THAT(Ordinals(Started(all)), ElementsAre(2));
  EXPECT_THAT(Ordinals(Started(Producer(0, 9000))), ElementsAre(2));
}

TEST_P(RangeTest, RetentionIsNotChangedOfAStreamThatSomebodyElseChanged) {
  const StreamName name = *StreamName::Parse("cam");
  const uint64_t seen = store_->GetStream(name)->version;
  ASSERT_TRUE(SyncWait(store_->ChangeStream(name, {.retention_hours = 48}, seen)).ok());
  const auto again = SyncWait(store_->ChangeStream(name, {.retention_hours = 72}, seen));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(store_->GetStream(name)->retention_hours, 48u);
}

}  // namespace
}  // namespace penstock::store
