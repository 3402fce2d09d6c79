// An index whose disk is full: a state that passes, whichever write it meets.
#include <gtest/gtest.h>

#include "store/index/index.h"
#include "tests/testing_store/index_disk.h"
#include "tests/testing_store/index_folders.h"

namespace penstock::store {
namespace {

class FullIndexTest : public ::testing::Test {
 protected:
  void Open() {
    index_.reset();
    auto opened = Index::Open(folder_.path(), id_, disk_.environment());
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    index_ = std::move(*opened);
  }
  Status Put(uint64_t lsn, size_t bytes = 1) {
    IndexBatch rows;
    CatalogEntry entry;
    entry.key = "key " + std::to_string(lsn);
    entry.version = lsn;
    entry.value = Bytes::Copy(std::string(bytes, 'v'));
    rows.PutCatalogEntry(entry);
    rows.PutApplied(0, lsn);
    return index_->Commit(rows);
  }
  // There is room. A compaction, which goes on beside all this, may have asked for it just before
  // and wait until somebody looks again, as housekeeping does.
  void AwaitFlush() {
    Status flushed = index_->Flush();
    while (!flushed.ok() && flushed.error().code() == ErrorCode::kFull) {
      index_->LookForRoom();
      flushed = index_->Flush();
    }
    ASSERT_TRUE(flushed.ok()) << flushed.error().ToString();
    while (index_->waits_for_room()) index_->LookForRoom();
  }
  void ExpectEverythingUpTo(uint64_t lsn) {
    EXPECT_EQ(index_->Applied(0), lsn);
    EXPECT_EQ(index_->LoadCatalog().value().size(), lsn);
  }

  const Uuid id_{1, 2, 3};
  testing::IndexDisk disk_;
  testing::RamFolder folder_;
  std::unique_ptr<Index> index_;
};

TEST_F(FullIndexTest, EveryWriteOfAFlushMayFindNoRoomAndItGoesOnWhenThereIsSome) {
  Open();
  uint64_t lsn = 0;
  uint64_t write = 0;
  for (bool met = true; met;) {
    SCOPED_TRACE(++write);
    ASSERT_LT(write, 200u);
    ASSERT_TRUE(Put(++lsn).ok());
    const uint64_t refused = disk_.refused();
    disk_.FillAt(write);
    const Status flushed = index_->Flush();
    met = disk_.refused() > refused;
    // Where it is only a compaction that met the full disk, the flush knows nothing of it.
    ASSERT_TRUE(met || flushed.ok()) << flushed.error().ToString();
    if (!flushed.ok()) {
      EXPECT_EQ(flushed.error().code(), ErrorCode::kFull) << flushed.error().ToString();
      EXPECT_TRUE(index_->waits_for_room());
    }
    if (met) {
      // In memory.
      ASSERT_TRUE(Put(++lsn).ok());
      ExpectEverythingUpTo(lsn);
    }
    disk_.MakeRoom();
    index_->LookForRoom();
    const Status put = Put(++lsn);
    ASSERT_TRUE(put.ok()) << put.error().ToString();
    ExpectEverythingUpTo(lsn);
    AwaitFlush();
    if (write % 5 == 0) Open();
    ExpectEverythingUpTo(lsn);
  }
  EXPECT_GE(write, 8u);
  Open();
  ExpectEverythingUpTo(lsn);
}

TEST_F(FullIndexTest, WhatWaitsInMemoryHasABound) {
  Open();
  disk_.FillAt(1);
  uint64_t lsn = 0;
  Status put;
  while ((put = Put(lsn + 1, 1u << 20)).ok()) ASSERT_LT(++lsn, 200u);
  EXPECT_EQ(put.error().code(), ErrorCode::kFull) << put.error().ToString();
  EXPECT_GT(lsn, 10u);
  ExpectEverythingUpTo(lsn);
  disk_.MakeRoom();
  index_->LookForRoom();
  AwaitFlush();
  ASSERT_TRUE(Put(++lsn, 1u << 20).ok());
  AwaitFlush();
  Open();
  ExpectEverythingUpTo(lsn);
}

TEST_F(FullIndexTest, TheClosingWaitsForNoRoom) {
  Open();
  ASSERT_TRUE(Put(1).ok());
  AwaitFlush();
  ASSERT_TRUE(Put(2).ok());
  disk_.FillAt(2);
  EXPECT_FALSE(index_->Flush().ok());
  index_.reset();
  disk_.MakeRoom();
  Open();
  ExpectEverythingUpTo(1);
}

}  // namespace
}  // namespace penstock::store
