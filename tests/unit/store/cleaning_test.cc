#include <filesystem>

#include "base/metrics.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class CleaningTest : public StoreTest {
 protected:
  CleaningTest() {
    options_.clean_at = 0;
    options_.window_bytes_per_stream = 1;  // the disk answers
  }
  uint64_t DiskBytes() {
    uint64_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory)) {
      if (entry.path().filename().string().ends_with("h.segment")) bytes += entry.file_size();
    }
    return bytes;
  }
  void Enforce() { ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok()); }
  // One small item of a for each large one of b, in segments that are sealed then.
  void RecordTwo() {
    for (uint64_t i = 0; i < 8; ++i) {
      Append(*Stream("a"), 20'000, i);
      Append(*Stream("b"), 200'000, i);
    }
    Reopen();
  }
  void ExpectA() {
    auto shard = Stream("a");
    const auto found = Find(*shard, FromOldest{});
    ASSERT_THAT(Ordinals(found), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
    for (const ItemRef& ref : found) ExpectBytes(*shard, ref, 20'000, ref.header.ordinal);
    EXPECT_EQ(shard->GetStatus().items, 8u);
    EXPECT_EQ(shard->GetStatus().body_bytes, 160'000u);
    const auto tracks = SyncWait(shard->GetTrackSet(found[0].header.track_set));
    ASSERT_TRUE(tracks.ok()) << tracks.error().ToString();
    EXPECT_EQ(tracks->body.text(), "tracks of a camera");
  }
};

INSTANTIATE_TEST_SUITE_P(Lanes, CleaningTest, ::testing::Values(1));

TEST_P(CleaningTest, TheDiskGetsBackWhatADeletedStreamHadBesideAnother) {
  Open();
  RecordTwo();
  ASSERT_GT(DiskBytes(), 1'700'000u);
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("b"))).ok());
  Enforce();
  Enforce();  // behind the sealing of the copies' segment
  EXPECT_LT(DiskBytes(), 400'000u);
  ExpectA();
  Reopen();
  ExpectA();
  Close();
  fs::remove_all(options_.directory / "index");
  Open();
  ExpectA();
}

TEST_P(CleaningTest, TheDiskGetsBackWhatABoundOfBytesHid) {
  Open();
  RecordTwo();
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("b"), {.max_bytes = 300'000})).ok());
  Enforce();
  Enforce();  // behind the sealing of the copies' segment
  EXPECT_LT(DiskBytes(), 600'000u);
  ExpectA();
  auto b = Stream("b");
  const auto found = Find(*b, FromOldest{});
  ASSERT_THAT(Ordinals(found), ElementsAre(7));
  ExpectBytes(*b, found[0], 200'000, 7);
}

TEST_P(CleaningTest, WhatIsHeldIsMovedAndStaysHeld) {
  Open();
  RecordTwo();
  auto b = Stream("b");
  const auto all = Find(*b, FromOldest{});
  const ServerTime at = all[2].header.server_time;
  // All of them were received at the same time.
  ASSERT_TRUE(
      SyncWait(store_->AddHold({Name("b"), at, at + std::chrono::milliseconds(1), ""})).ok());
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("a"))).ok());
  Append(*Stream("c"), 3'000'000, 1);
  ASSERT_TRUE(SyncWait(b->Trim(8)).ok());
  const uint64_t before = DiskBytes();
  Enforce();
  for (const ItemRef& ref : all) ExpectBytes(*b, ref, 200'000, ref.header.ordinal);
  EXPECT_EQ(DiskBytes(), before) << "more than half lives";
}

// Whoever has found an item and reads it later does not learn that it was moved.
TEST_P(CleaningTest, AReaderIsNotDisturbed) {
  Open();
  RecordTwo();
  auto a = Stream("a");
  const auto tail = a->MakeTail(FromOldest{});
  const auto first = SyncWait(tail->Next(3, CancelToken())).value();
  const auto found = Find(*a, FromOldest{});
  auto open = SyncWait(a->Open(found[1], BodyForm::kFileSlice));
  ASSERT_TRUE(open.ok());
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("b"))).ok());
  Enforce();
  for (const ItemRef& ref : found) ExpectBytes(*a, ref, 20'000, ref.header.ordinal);
  // Each once, and nothing again.
  std::vector<uint64_t> seen = Ordinals(first);
  while (seen.size() < 8) {
    for (const uint64_t at : Ordinals(SyncWait(tail->Next(3, CancelToken())).value()))
      seen.push_back(at);
  }
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(Append(*a, 20'000, 8).ordinal, 8u);
  EXPECT_THAT(Ordinals(SyncWait(tail->Next(9, CancelToken())).value()), ElementsAre(8));
}

// An item that was dropped before its tracks were ever stored.
TEST_P(CleaningTest, AGapThatNamesUnknownTracksIsMoved) {
  Open();
  auto a = Stream("a");
  NewItem dropped = Item(*a, 100, 0);
  dropped.track_set = Bytes::Copy("never stored");
  ASSERT_TRUE(SyncWait(a->Drop(std::move(dropped), GapReason::kOverload)).ok());
  Append(*Stream("b"), 200'000, 1);
  a.reset();
  Reopen();
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("b"))).ok());
  Enforce();
  Enforce();
  EXPECT_LT(DiskBytes(), 100'000u);
  EXPECT_EQ(Find(*Stream("a"), FromOldest{}).at(0).header.kind, ItemKind::kGap);
}

// Copies age as what they were taken from.
TEST_P(CleaningTest, CopiesGoWhenTheirTimeIsOver) {
  Open();
  RecordTwo();
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("b"))).ok());
  clock_.Advance(std::chrono::hours(20));
  Enforce();
  ExpectA();
  Append(*Stream("a"), 20'000, 8);
  clock_.Advance(std::chrono::hours(5));
  Enforce();
  Enforce();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(8));
  Reopen();
  Enforce();
  EXPECT_LT(DiskBytes(), 100'000u);
}

// Longer retention: what lives goes where it may stay.
TEST_P(CleaningTest, CopiesGoIntoTheClassOfTheirStreamNow) {
  Open();
  RecordTwo();
  ASSERT_TRUE(SyncWait(store_->ChangeStream(Name("a"), {.retention_hours = 100})).ok());
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("b"))).ok());
  Enforce();
  size_t moved = 0;
  for (const auto& entry : fs::recursive_directory_iterator(options_.directory))
    moved += entry.path().filename().string().ends_with("-100h.segment") ? 1 : 0;
  EXPECT_GE(moved, 1u);
  ExpectA();
}

}  // namespace
}  // namespace penstock::store
