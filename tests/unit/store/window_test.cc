#include "store/window.h"

#include <gtest/gtest.h>

namespace penstock::store {
namespace {

constexpr size_t kBytes = 100;

WindowItem Item(uint64_t ordinal, size_t bytes, bool dropped) {
  WindowItem item;
  item.header.ordinal = ordinal;
  item.header.kind = ItemKind::kFragment;
  if (dropped) item.header.flags |= kFlagDropped;
  item.body = ByteChain(Bytes::From(std::string(bytes, 'x')));
  return item;
}

TEST(WindowTest, TheOldestGoWhenThereAreTooManyBytes) {
  Window window(kBytes);
  for (uint64_t i = 0; i < 10; ++i) window.Push(Item(i, 30, false));
  EXPECT_EQ(window.begin(), 7u);
  EXPECT_EQ(window.end(), 10u);
  EXPECT_EQ(window.Find(6), nullptr);
  ASSERT_NE(window.Find(7), nullptr);
  EXPECT_EQ(window.Find(7)->header.ordinal, 7u);
}

TEST(WindowTest, OfWhatTheLogHasTheNewestStaysWhateverItsSize) {
  Window window(kBytes);
  for (uint64_t i = 0; i < 4; ++i) window.Push(Item(i, 3 * kBytes, false));
  EXPECT_EQ(window.begin(), 3u);
}

TEST(WindowTest, OfWhatNobodyElseHasTheNewestTwoStay) {
  Window window(kBytes);
  for (uint64_t i = 0; i < 4; ++i) window.Push(Item(i, 3 * kBytes, true));
  EXPECT_EQ(window.begin(), 2u);
  window.Push(Item(4, 3 * kBytes, false));
  EXPECT_EQ(window.begin(), 3u) << "a dropped one and what came after it";
  window.Push(Item(5, 3 * kBytes, true));
  EXPECT_EQ(window.begin(), 5u) << "the one before is in the log";
}

}  // namespace
}  // namespace penstock::store
