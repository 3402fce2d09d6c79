// What is sent out of the page cache, on a disk that can be told to fail.
#include "tests/testing_store/shared_clock.h"
#include "tests/testing_store/small_store.h"
#include "tests/testing_store/test_item.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

TEST(SendTest, WhatWasSentOnceIsNotReadFromTheDiskAgain) {
  testing::SharedClock clock(testing::kSmallStoreStart);
  const auto disk = testing::MakeStoreDisk();
  StoreOptions options = testing::SmallStoreOptions(1);
  options.retention_interval = std::chrono::milliseconds(0);
  const testing::TestItem one{.seed = 7};
  // The second time every segment is sealed.
  for (const bool first : {true, false}) {
    auto opened = Store::Open(options, *disk, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    Store& store = **opened;
    if (first) {
      const auto made = SyncWait(store.CreateStream(Name("a"), 24));
      ASSERT_TRUE(made.ok());
      const auto shard = store.OpenShard(made->shard);
      auto slot = shard->OpenSlot();
      ASSERT_TRUE(slot.ok());
      ASSERT_TRUE(SyncWait(shard->Append(one.Make(std::move(*slot), 0))).ok());
    } else {
      const auto shard = store.OpenShard(store.GetStream(Name("a"))->shard);
      Selector from = FromOldest{};
      const auto found = SyncWait(shard->Find(from, 1));
      ASSERT_TRUE(found.ok() && found->size() == 1);
      const auto open = [&](BodyForm form) { return SyncWait(shard->Open(found->front(), form)); };
      ASSERT_TRUE(open(BodyForm::kFileSlice).ok());
      disk->FailNth(testing::DiskCall::kRead, 1, ErrorCode::kIo);
      const auto again = open(BodyForm::kFileSlice);
      ASSERT_TRUE(again.ok()) << again.error().ToString();
      EXPECT_TRUE(std::holds_alternative<FileSlice>(again->body));
      EXPECT_EQ(one.Compare(again->meta, testing::ReadWhole(*again)), "");
      // It would have met the failure.
      EXPECT_EQ(open(BodyForm::kMemory).error().code(), ErrorCode::kIo);
    }
    SyncWait(store.Close());
  }
}

}  // namespace
}  // namespace penstock::store
