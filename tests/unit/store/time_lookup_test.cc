// Items found by server and by producer time where neither runs with the order of the items.
#include <gmock/gmock.h>

#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class TimeLookupTest : public StoreTest {
 protected:
  // A fragment whose producer says that it is of `producer_s` seconds after the start.
  void Upload(Shard& shard, int64_t producer_s, int64_t lasts_s = 2) {
    NewItem item = Item(shard, 100, 1);
    item.producer_time = At(producer_s * 1000);
    item.duration = seconds(lasts_s);
    ASSERT_TRUE(SyncWait(shard.Append(std::move(item))).ok());
    clock_.Advance(seconds(2));
  }
  ProducerTime At(int64_t ms) const { return ProducerTimeFromUs((ToMs(start_) + ms) * 1000); }
  uint64_t FirstOf(Shard& shard, Selector from) {
    const auto found = Find(shard, from, 1);
    return found.empty() ? kNothing : found[0].header.ordinal;
  }
  // From the window, from disk, and where nothing is written at all.
  void Everywhere(const std::function<void(Shard&)>& upload,
                  const std::function<void(Shard&)>& check) {
    for (const uint32_t kept_hours : {24u, 0u}) {
      SCOPED_TRACE(kept_hours);
      const std::string name = fmt::format("cam{}", kept_hours);
      Open();
      clock_.SetWall(start_);
      auto shard = Stream(name, kept_hours);
      upload(*shard);
      check(*shard);
      if (kept_hours > 0) {
        shard.reset();
        Reopen();
        shard = Stream(name, kept_hours);
        check(*shard);
      }
      shard.reset();
      Close();
    }
  }

  static constexpr uint64_t kNothing = UINT64_MAX;
  const ServerTime start_ = ServerTimeFromMs(1'768'478'400'000);
};

TEST_P(TimeLookupTest, ProducerTimesThatRunBackwardsAreFoundWhereverTheyWereStored) {
  const auto upload = [this](Shard& shard) {
    for (const int64_t s : {100, 102, 104, 40, 42, 44, 106}) Upload(shard, s);
  };
  const auto check = [this](Shard& shard) {
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(103'500)}), 1u);
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(43'000)}), 4u);
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(106'000)}), 6u);
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(0)}), 3u);       // before all: the earliest
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(50'000)}), 0u);  // in the hole
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(200'000)}), kNothing);
    // Server time goes on meanwhile.
    EXPECT_EQ(FirstOf(shard, FromServerTime{start_ + seconds(7)}), 3u);
  };
  Everywhere(upload, check);
}

TEST_P(TimeLookupTest, ALateItemWithinTheTimeOfALongerOneHidesNothing) {
  const auto upload = [this](Shard& shard) {
    Upload(shard, 100, 10);
    Upload(shard, 103, 2);
    Upload(shard, 120, 2);
  };
  const auto check = [this](Shard& shard) {
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(102'000)}), 0u);
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(108'000)}), 0u);
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(111'000)}), 2u);
  };
  Everywhere(upload, check);
}

TEST_P(TimeLookupTest, AServerClockThatIsSetBackHasBothItsTimesFound) {
  const auto upload = [this](Shard& shard) {
    for (int i = 0; i < 3; ++i) Upload(shard, 2 * i);
    clock_.SetWall(start_ - hours(1));
    for (int i = 3; i < 6; ++i) Upload(shard, 2 * i);
  };
  const auto check = [this](Shard& shard) {
    EXPECT_EQ(FirstOf(shard, FromServerTime{start_ + seconds(3)}), 1u);
    EXPECT_EQ(FirstOf(shard, FromServerTime{start_ - hours(1) + seconds(3)}), 4u);
    EXPECT_EQ(FirstOf(shard, FromServerTime{start_ - hours(2)}), 3u);
    EXPECT_EQ(FirstOf(shard, FromServerTime{start_ - seconds(1000)}), 0u);
    EXPECT_EQ(FirstOf(shard, FromProducerTime{At(9'000)}), 4u);
    const auto all = Find(shard, FromOldest{});
    ASSERT_EQ(all.size(), 6u);
    for (size_t i = 1; i < all.size(); ++i)
      EXPECT_GT(all[i].header.number, all[i - 1].header.number);
  };
  Everywhere(upload, check);
}

INSTANTIATE_TEST_SUITE_P(Lanes, TimeLookupTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace penstock::store
