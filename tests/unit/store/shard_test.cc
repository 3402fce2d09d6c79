#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "base/limits.h"
#include "base/metrics.h"
#include "store/shard_impl.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ShardTest : public StoreTest {
 protected:
  static std::string ReadFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // The closed store's segments that hold these bytes, oldest first.
  std::vector<std::filesystem::path> SegmentsWith(std::string_view piece) {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.directory)) {
      if (entry.path().extension() != ".segment") continue;
      if (ReadFile(entry.path()).find(piece) != std::string::npos) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  // The lowest bit of their first byte.
  static void FlipBit(const std::filesystem::path& path, std::string_view piece) {
    const size_t at = ReadFile(path).find(piece);
    ASSERT_NE(at, std::string::npos);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(piece[0] ^ 1));
  }

  // Items 2 s apart, 500 bytes each.
  void Fill(Shard& shard, int count) {
    for (int i = 0; i < count; ++i) {
      clock_.Advance(std::chrono::seconds(2));
      Append(shard, 500, static_cast<uint64_t>(i));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Lanes, ShardTest, ::testing::Values(1, 2));

TEST_P(ShardTest, ReadersSeeNothingPastTheLowestOpenSlot) {
  Open();
  auto shard = Stream("cam1");
  NewItem first = Item(*shard, 10, 1);
  NewItem second = Item(*shard, 10, 2);
  ASSERT_TRUE(SyncWait(shard->Append(std::move(second))).ok());
  EXPECT_THAT(Find(*shard, FromOldest{}), IsEmpty());
  EXPECT_EQ(shard->GetStatus().next_ordinal, 0u);
  ASSERT_TRUE(SyncWait(shard->Append(std::move(first))).ok());
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(0, 1));
}

TEST_P(ShardTest, AnUnusedSlotBecomesADurableHole) {
  Open();
  auto shard = Stream("cam1");
  Append(*shard, 10, 1);
  { auto dropped = shard->OpenSlot(); }
  Append(*shard, 10, 2);
  auto found = Find(*shard, FromOldest{});
  ASSERT_THAT(Ordinals(found), ElementsAre(0, 1, 2));
  EXPECT_EQ(found[1].header.kind, ItemKind::kAbandoned);
  shard.reset();
  Reopen();
  shard = Stream("cam1");
  found = Find(*shard, FromOldest{});
  ASSERT_THAT(Ordinals(found), ElementsAre(0, 1, 2));
  EXPECT_EQ(found[1].header.kind, ItemKind::kAbandoned);
  EXPECT_EQ(SyncWait(shard->Open(found[1], BodyForm::kMemory)).error().code(),
            ErrorCode::kNotFound);
}

TEST_P(ShardTest, ADroppedItemPlaysFromTheWindowAndIsAGapAfterwards) {
  Open();
  auto shard = Stream("cam1");
  NewItem item = Item(*shard, 700, 5);
  auto dropped = SyncWait(shard->Drop(std::move(item), GapReason::kOverload));
  ASSERT_TRUE(dropped.ok());
  EXPECT_TRUE(dropped->flags & kFlagDropped);
  auto found = Find(*shard, FromOldest{});
  ASSERT_THAT(Ordinals(found), ElementsAre(0));
  ExpectBytes(*shard, found[0], 700, 5);
  shard.reset();
  Reopen();
  shard = Stream("cam1");
  found = Find(*shard, FromOldest{});
  ASSERT_THAT(Ordinals(found), ElementsAre(0));
  EXPECT_EQ(found[0].header.kind, ItemKind::kGap);
  EXPECT_EQ(found[0].header.gap_reason, GapReason::kOverload);
  EXPECT_EQ(found[0].header.duration, std::chrono::seconds(2));
  EXPECT_EQ(SyncWait(shard->Open(found[0], BodyForm::kMemory)).error().code(),
            ErrorCode::kNotFound);
}

TEST_P(ShardTest, ASlotIsGoodForOneAppendOfItsOwnShard) {
  Open();
  auto shard = Stream("cam1");
  auto other = Stream("cam2");
  NewItem strange = Item(*other, 10, 1);
  EXPECT_EQ(SyncWait(shard->Append(std::move(strange))).error().code(),
            ErrorCode::kInvalidArgument);
  NewItem none;
  EXPECT_EQ(SyncWait(shard->Append(std::move(none))).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(ShardTest, AnItemThatIsTooLargeIsRefusedAndItsOrdinalBecomesAHole) {
  Open();
  auto shard = Stream("cam1");
  NewItem item = Item(*shard, 10, 1);
  item.meta = Bytes::From(std::vector<uint8_t>((4u << 20) + 1));
  EXPECT_EQ(SyncWait(shard->Append(std::move(item))).error().code(), ErrorCode::kTooLarge);
  Append(*shard, 10, 2);
  EXPECT_EQ(Find(*shard, FromOldest{})[0].header.kind, ItemKind::kAbandoned);
}

TEST_P(ShardTest, SelectorsFindTheItemThatContainsTheTimeOrTheNext) {
  for (const bool window : {true, false}) {
    Open();
    auto shard = Stream(window ? "window" : "disk");
    const ServerTime start = clock_.Now();
    Fill(*shard, 10);
    clock_.Advance(std::chrono::seconds(60));
    Fill(*shard, 3);
    if (!window) {
      shard.reset();
      Reopen();
      shard = Stream("disk");
    }
    const auto at = [&](int ms) { return FromServerTime{start + std::chrono::milliseconds(ms)}; };
    EXPECT_EQ(Find(*shard, at(0), 1)[0].header.ordinal, 0u);
    EXPECT_EQ(Find(*shard, at(2000), 1)[0].header.ordinal, 0u);
    EXPECT_EQ(Find(*shard, at(3999), 1)[0].header.ordinal, 0u);
    EXPECT_EQ(Find(*shard, at(4000), 1)[0].header.ordinal, 1u);
    EXPECT_EQ(Find(*shard, at(30'000), 1)[0].header.ordinal, 10u);  // in the pause
    EXPECT_THAT(Find(*shard, at(1'000'000)), IsEmpty());
    const auto producer = [&](int ms) {
      return FromProducerTime{ProducerTimeFromUs((ToMs(start) + ms) * 1000)};
    };
    EXPECT_EQ(Find(*shard, producer(1500), 1)[0].header.ordinal, 0u);
    EXPECT_EQ(Find(*shard, producer(3500), 1)[0].header.ordinal, 1u);
    EXPECT_THAT(Find(*shard, producer(1'000'000)), IsEmpty());
    EXPECT_THAT(Ordinals(Find(*shard, FromOrdinal{11})), ElementsAre(11, 12));
    EXPECT_THAT(Find(*shard, FromLatest{}), IsEmpty());
    const auto all = Find(*shard, FromOldest{});
    ASSERT_EQ(all.size(), 13u);
    EXPECT_THAT(Ordinals(Find(*shard, AfterNumber{all[10].header.number.index})),
                ElementsAre(11, 12));
    EXPECT_EQ(Find(*shard, AfterNumber{1}).size(), 13u);
    EXPECT_THAT(Ordinals(Find(*shard, FromOldest{}, 2)), ElementsAre(0, 1));
    shard.reset();
    Close();
  }
}

TEST_P(ShardTest, ANumberThatWasNeverDurableStillHasAPlace) {
  Open();
  auto shard = Stream("cam1");
  Append(*shard, 10, 1);
  NewItem lost = Item(*shard, 10, 2);
  const uint64_t number = lost.slot.number().index;
  const uint64_t epoch = number >> kCounterBits;
  shard.reset();
  Reopen();  // the slot outlives the store: nothing is written for it
  shard = Stream("cam1");
  Append(*shard, 10, 3);
  Append(*shard, 10, 4);
  const auto found = Find(*shard, AfterNumber{number});
  EXPECT_THAT(Ordinals(found), ElementsAre(1, 2));
  EXPECT_EQ(Find(*shard, AfterNumber{MakeIndex(epoch, 2)}).size(), 2u);
}

TEST_P(ShardTest, TheWindowIsBoundedAndKeepsTheNewest) {
  options_.window_bytes_per_stream = 100'000;
  Open();
  auto shard = Stream("cam1");
  for (uint64_t i = 0; i < 6; ++i) Append(*shard, 40'000, i);
  Append(*shard, 200'000, 6);
  const auto found = Find(*shard, FromOldest{});
  ASSERT_EQ(found.size(), 7u);
  for (uint64_t i = 0; i < 7; ++i) ExpectBytes(*shard, found[i], i == 6 ? 200'000 : 40'000, i);
}

TEST_P(ShardTest, LiveOnlyStreamsWriteNothingAndKeepTheirWindow) {
  options_.window_bytes_per_stream = 10'000 / limits::kLiveOnlyWindows;
  Open();
  auto shard = Stream("live", 0);
  // The opening has queued a snapshot of each lane's metadata; this is done behind them.
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  metrics::Counter& batches = metrics::GetCounter("penstock_store_batches_total", "");
  const uint64_t before = batches.value();
  Fill(*shard, 50);
  const auto found = Find(*shard, FromOldest{});
  EXPECT_GT(found.size(), 5u);
  EXPECT_LT(found.size(), 20u);
  EXPECT_EQ(found.back().header.ordinal, 49u);
  ExpectBytes(*shard, found.back(), 500, 49);
  EXPECT_EQ(shard->GetStatus().oldest_ordinal, found.front().header.ordinal);
  EXPECT_EQ(shard->GetStatus().items, found.size());
  NewItem item = Item(*shard, 10, 1);
  EXPECT_TRUE(SyncWait(shard->Drop(std::move(item), GapReason::kOverload)).ok());
  EXPECT_EQ(shard->GetStatus().next_ordinal, 51u);
  EXPECT_EQ(batches.value(), before);
  shard.reset();
  Reopen();
  EXPECT_THAT(Find(*Stream("live"), FromOldest{}), IsEmpty());
  Close();
  const auto report = Store::Check(options_.directory, RealDisk());
  ASSERT_TRUE(report.ok()) << report.error().ToString();
  EXPECT_EQ(report->items, 0u);
  EXPECT_EQ(report->body_bytes, 0u);
}

// Browsers keep segments by name: a name must not come back with other bytes.
TEST_P(ShardTest, AfterARestartALiveOnlyStreamUsesNoOrdinalAgain) {
  Open();
  auto shard = Stream("live", 0);
  Fill(*shard, 5);
  const ItemHeader last = Append(*shard, 500, 5);
  shard.reset();
  Reopen();
  clock_.Advance(std::chrono::seconds(1));
  const ItemHeader next = Append(*Stream("live"), 500, 6);
  EXPECT_GT(next.ordinal, last.ordinal);
  EXPECT_GT(next.number, last.number);
  EXPECT_GT(next.discontinuity_ordinal, last.discontinuity_ordinal);
}

TEST_P(ShardTest, AClockThatFallsOpensAClockRunAndNumbersGoOn) {
  Open();
  auto shard = Stream("cam1");
  const ServerTime start = clock_.Now();
  Fill(*shard, 3);
  clock_.SetWall(start - std::chrono::hours(2));
  Fill(*shard, 3);
  clock_.SetWall(clock_.Now() -
                 std::chrono::seconds(5));  // a small step back: time stands still instead
  Fill(*shard, 1);
  for (int opening = 0; opening < 2; ++opening) {
    const auto found = Find(*shard, FromOldest{});
    ASSERT_EQ(found.size(), 7u);
    for (size_t i = 1; i < 7; ++i) {
      EXPECT_GT(found[i].header.number, found[i - 1].header.number);
      if (i == 3) continue;
      EXPECT_GE(found[i].header.server_time, found[i - 1].header.server_time);
    }
    EXPECT_LT(found[3].header.server_time, found[2].header.server_time);
    EXPECT_EQ(found[6].header.server_time, found[5].header.server_time);
    EXPECT_EQ(Find(*shard, FromServerTime{start + std::chrono::seconds(4)}, 1)[0].header.ordinal,
              1u);
    EXPECT_EQ(
        Find(*shard, FromServerTime{start - std::chrono::hours(2) + std::chrono::seconds(4)}, 1)[0]
            .header.ordinal,
        4u);
    // Between the runs: what came first after that time.
    EXPECT_EQ(Find(*shard, FromServerTime{start - std::chrono::hours(1)}, 1)[0].header.ordinal, 0u);
    shard.reset();
    Reopen();
    shard = Stream("cam1");
  }
}

TEST_P(ShardTest, ItemsFromAClockThatWasWrongExpireByTheNextClockRun) {
  Open();
  auto shard = Stream("cam1", 1);
  const ServerTime start = clock_.Now();
  clock_.SetWall(start + std::chrono::hours(24 * 365));
  Fill(*shard, 2);
  clock_.SetWall(start);
  Fill(*shard, 2);
  clock_.Advance(std::chrono::minutes(59));
  EXPECT_EQ(shard->GetStatus().oldest_ordinal, 0u);
  clock_.Advance(std::chrono::minutes(2));
  EXPECT_EQ(shard->GetStatus().oldest_ordinal, 4u);
}

TEST_P(ShardTest, ATailWaitsAndGetsWhatIsAppendedAndEndsWithTheStream) {
  Open();
  auto shard = Stream("cam1");
  Append(*shard, 10, 0);
  ThreadPool writer(1, "writer");
  auto run = [](StoreTest* test, std::shared_ptr<Shard> s, ThreadPool& pool,
                Store& store) -> Task<void> {
    (void)test;
    auto tail = s->MakeTail(FromOldest{});
    auto first = co_await tail->Next(10, CancelToken());
    EXPECT_EQ(first->size(), 1u);
    pool.Post([s] { Append(*s, 10, 1); });
    auto second = co_await tail->Next(10, CancelToken());
    EXPECT_EQ(second.value()[0].header.ordinal, 1u);
    pool.Post([&store] { EXPECT_TRUE(SyncWait(store.DeleteStream(Name("cam1"))).ok()); });
    auto third = co_await tail->Next(10, CancelToken());
    EXPECT_EQ(third.error().code(), ErrorCode::kClosed);
  };
  SyncWait(run(this, shard, writer, *store_));
  EXPECT_EQ(shard->OpenSlot().error().code(), ErrorCode::kClosed);
  EXPECT_FALSE(store_->GetStream(Name("cam1")).has_value());
}

TEST_P(ShardTest, AWaitEndsWithItsToken) {
  Open();
  auto shard = Stream("cam1");
  auto run = [](std::shared_ptr<Shard> s) -> Task<void> {
    TaskGroup group;
    Status ended;
    auto wait = [](std::shared_ptr<Shard> inner, CancelToken token, Status& out) -> Task<void> {
      out = co_await inner->WaitForOrdinal(0, token);
    };
    group.Spawn(wait(s, group.token(), ended));
    group.Cancel();
    co_await group.Join();
    EXPECT_EQ(ended.error().code(), ErrorCode::kCancelled);
  };
  SyncWait(run(shard));
}

TEST_P(ShardTest, TrimHidesForGood) {
  Open();
  auto shard = Stream("cam1");
  Fill(*shard, 5);
  const auto all = Find(*shard, FromOldest{});
  ASSERT_TRUE(SyncWait(shard->Trim(3)).ok());
  EXPECT_EQ(shard->GetStatus().items, 2u);
  EXPECT_EQ(SyncWait(shard->Open(all[2], BodyForm::kMemory)).error().code(), ErrorCode::kTrimmed);
  EXPECT_EQ(SyncWait(shard->MakeTail(FromOrdinal{1})->Next(1, CancelToken())).error().code(),
            ErrorCode::kTrimmed);
  shard.reset();
  Reopen();
  shard = Stream("cam1");
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(3, 4));
  EXPECT_EQ(shard->GetStatus().items, 2u);
  EXPECT_EQ(shard->GetStatus().body_bytes, 1000u);
  EXPECT_EQ(Append(*shard, 10, 9).ordinal, 5u);
}

TEST_P(ShardTest, TrackSetsAreSharedByContentAndComeBackAfterAReopen) {
  Open();
  auto shard = Stream("cam1");
  const ItemHeader a = Append(*shard, 10, 0);
  NewItem other = Item(*shard, 10, 1);
  other.track_set = Bytes::Copy("another resolution");
  const auto b = SyncWait(shard->Append(std::move(other)));
  const ItemHeader c = Append(*shard, 10, 2);
  EXPECT_EQ(c.track_set, a.track_set);
  EXPECT_NE(b->track_set, a.track_set);
  shard.reset();
  Reopen();
  shard = Stream("cam1");
  NewItem again = Item(*shard, 10, 3);
  again.track_set = Bytes::Copy("another resolution");
  EXPECT_EQ(SyncWait(shard->Append(std::move(again)))->track_set, b->track_set);
  EXPECT_EQ(SyncWait(shard->GetTrackSet(b->track_set))->body.text(), "another resolution");
  EXPECT_EQ(SyncWait(shard->GetTrackSet(a.track_set))->body.text(), "tracks of a camera");
  EXPECT_EQ(SyncWait(shard->GetTrackSet(12345)).error().code(), ErrorCode::kNotFound);
}

TEST_P(ShardTest, ASealedSegmentIsSentFromItsFile) {
  Open();
  auto shard = Stream("cam1");
  Append(*shard, 300'000, 7);
  shard.reset();
  Reopen();
  shard = Stream("cam1");
  const auto found = Find(*shard, FromOldest{});
  for (int i = 0; i < 2; ++i) {
    auto opened = SyncWait(shard->Open(found[0], BodyForm::kFileSlice));
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE(std::holds_alternative<FileSlice>(opened->body));
    const FileSlice& slice = std::get<FileSlice>(opened->body);
    std::string bytes(slice.size, '\0');
    ASSERT_EQ(
        ::pread(slice.file->fd(), bytes.data(), bytes.size(), static_cast<off_t>(slice.offset)),
        300'000);
    EXPECT_TRUE(bytes == PatternBytes(300'000, 7).text());
  }
}

TEST_P(ShardTest, OfADamagedTrackSetAnotherSegmentsCopyIsRead) {
  Open();
  auto shard = Stream("cam1");
  TrackSetId id = 0;
  for (uint64_t i = 0; i < 5; ++i) id = Append(*shard, 3'000'000, i).track_set;
  shard.reset();
  Close();
  const auto segments = SegmentsWith("tracks of a camera");
  ASSERT_GE(segments.size(), 3u);
  for (size_t i = segments.size(); i-- > 0;) {
    FlipBit(segments[i], "tracks of a camera");
    Open();
    shard = Stream("cam1");
    const auto set = SyncWait(shard->GetTrackSet(id));
    shard.reset();
    Close();
    if (i > 0) {
      ASSERT_TRUE(set.ok()) << set.error().ToString();
      EXPECT_EQ(set->body.text(), "tracks of a camera");
      EXPECT_EQ(set->meta.text(), "h264 640x480");
    } else {
      EXPECT_EQ(set.error().code(), ErrorCode::kCorruption);
    }
  }
}

TEST_P(ShardTest, ADamagedBodyIsAnErrorAndNeverWrongBytes) {
  Open();
  auto shard = Stream("cam1");
  Append(*shard, 300'000, 7);
  Append(*shard, 300'000, 8);
  shard.reset();
  Close();
  const Bytes body = PatternBytes(300'000, 7);
  const std::string_view piece = body.text().substr(71'000, 64);
  const auto segments = SegmentsWith(piece);
  ASSERT_EQ(segments.size(), 1u);
  FlipBit(segments[0], piece);
  const auto report = Store::Check(options_.directory, RealDisk());
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_TRUE(report->findings[0].harmful);
  Open();
  shard = Stream("cam1");
  const auto found = Find(*shard, FromOldest{});
  EXPECT_EQ(SyncWait(shard->Open(found[0], BodyForm::kMemory)).error().code(),
            ErrorCode::kCorruption);
  EXPECT_EQ(SyncWait(shard->Open(found[0], BodyForm::kFileSlice)).error().code(),
            ErrorCode::kCorruption);
  ExpectBytes(*shard, found[1], 300'000, 8);
}

}  // namespace
}  // namespace penstock::store
