#include "store/shard_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::store {
namespace {

ItemRecord Item(uint64_t ordinal) {
  ItemRecord item;
  item.header.ordinal = ordinal;
  item.header.number.server_ms = 1'750'000'000'000 + static_cast<int64_t>(ordinal);
  return item;
}

ShardState Fold(std::vector<uint64_t> ordinals, uint64_t reserved, bool reserved_first) {
  ShardState state;
  if (reserved_first) state.ApplyReservation(reserved);
  for (const uint64_t ordinal : ordinals) state.Apply(Item(ordinal));
  if (!reserved_first) state.ApplyReservation(reserved);
  return state;
}

TEST(ShardStateTest, AReservationCountsUntilItemsHavePassedItWhicheverComesFirst) {
  for (const bool first : {true, false}) {
    EXPECT_EQ(Fold({0, 1, 2}, 16, first).reserved, 16u);
    EXPECT_EQ(Fold({0, 1, 2}, 3, first).reserved, 0u);
    EXPECT_EQ(Fold({2, 16, 1}, 16, first).reserved, 0u);
  }
  EXPECT_EQ(Fold({0, 1, 2}, 16, true), Fold({2, 0, 1}, 16, false));
}

TEST(ShardStateTest, OnlyAReservationMakesItUnreadableForOlderPrograms) {
  for (const uint64_t reserved : {0, 3, 16}) {
    const ShardState state = Fold({0, 1, 2}, reserved, true);
    const Bytes encoded = EncodeShardState(state, true);
    EXPECT_EQ(encoded.data()[0], reserved == 16 ? 2 : 1);
    const auto decoded = DecodeShardState(encoded);
    ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
    EXPECT_EQ(*decoded, state);
  }
  EXPECT_EQ(DecodeShardState(Bytes::Copy("\x03")).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace penstock::store
