// Calls that race with the closing of their store: each finishes or says kClosed.
#include <atomic>
#include <thread>

#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

class CloseTest : public StoreTest {
 protected:
  // Calls until the store is closed; before that each call must succeed.
  template <class Call>
  void Start(Call call) {
    ++callers_;
    threads_.emplace_back([this, call]() mutable {
      for (int n = 0;; ++n) {
        const Status status = call();
        if (n == 3) --callers_;
        // Others' open slots may be too many for a moment.
        if (status.ok() || status.error().code() == ErrorCode::kThrottled) continue;
        EXPECT_EQ(status.error().code(), ErrorCode::kClosed) << status.error().ToString();
        if (n < 3) --callers_;
        return;
      }
    });
  }
  void CloseAmidCalls() {
    while (callers_.load() > 0) std::this_thread::yield();
    SyncWait(store_->Close());
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    shards_.clear();
    store_.reset();
  }

  static Status AppendOne(Shard& shard, uint64_t seed) {
    PS_TRY(Slot slot, shard.OpenSlot());
    NewItem item;
    item.slot = std::move(slot);
    item.body = PatternBody(300, seed);
    item.meta = PatternBytes(20, seed);
    item.track_set = Bytes::Copy("tracks");
    PS_TRY_VOID(SyncWait(shard.Append(std::move(item))));
    return {};
  }
  // The oldest items come from the index and the disk, the newest from the window.
  static Status ReadSome(Shard& shard) {
    PS_TRY(std::vector<ItemRef> refs, SyncWait(shard.Find(FromOldest{}, 4)));
    for (const ItemRef& ref : refs) {
      if (ref.header.kind != ItemKind::kFragment) continue;
      PS_TRY_VOID(SyncWait(shard.ReadMeta(ref)));
      PS_TRY_VOID(SyncWait(shard.Open(ref, BodyForm::kMemory)));
      PS_TRY_VOID(SyncWait(shard.GetTrackSet(ref.header.track_set)));
    }
    PS_TRY_VOID(SyncWait(shard.Find(FromServerTime{ServerTimeFromMs(1)}, 4)));
    shard.GetStatus();
    return {};
  }

  std::atomic<int> callers_{0};
  std::vector<std::thread> threads_;
};

INSTANTIATE_TEST_SUITE_P(Lanes, CloseTest, ::testing::Values(1, 2));

TEST_P(CloseTest, CallsThatRaceWithItFinishOrSayClosed) {
  options_.window_bytes_per_stream = 1000;
  for (int round = 0; round < 5; ++round) {
    Open();
    const auto shard = Stream("cam");
    const auto other = Stream("other");
    const auto live = Stream("live", 0);
    ASSERT_TRUE(AppendOne(*shard, 1).ok());
    Start([shard] { return AppendOne(*shard, 2); });
    Start([other] { return AppendOne(*other, 3); });
    Start([live] { return AppendOne(*live, 4); });
    Start([shard] { return ReadSome(*shard); });
    Start([other] { return ReadSome(*other); });
    Start([shard]() -> Status {
      // Left unused, it is abandoned.
      PS_TRY(const Slot slot, shard->OpenSlot());
      return {};
    });
    Start([shard]() -> Status {
      const std::unique_ptr<Tail> tail = shard->MakeTail(FromOldest{});
      PS_TRY_VOID(SyncWait(tail->Next(10, CancelToken())));
      return {};
    });
    Start([this] { return SyncWait(store_->EnforceRetention()); });
    Start([this, round, n = 0]() mutable -> Status {
      const StreamName name = Name(fmt::format("again-{}-{}", round, n++));
      PS_TRY_VOID(SyncWait(store_->CreateStream(name, 1)));
      return SyncWait(store_->DeleteStream(name));
    });
    CloseAmidCalls();
    if (HasFailure()) return;
  }
}

TEST_P(CloseTest, AClosedStoreAnswersEveryCallWithClosed) {
  Open();
  const auto shard = Stream("cam");
  const ItemHeader header = Append(*shard, 500, 1);
  std::optional<Slot> slot = shard->OpenSlot().value();
  SyncWait(store_->Close());
  EXPECT_EQ(shard->OpenSlot().error().code(), ErrorCode::kClosed);
  NewItem item;
  item.slot = std::move(*slot);
  EXPECT_EQ(SyncWait(shard->Append(std::move(item))).error().code(), ErrorCode::kClosed);
  slot.reset();
  const ItemRef ref{shard->id(), header};
  EXPECT_EQ(SyncWait(shard->Find(FromOldest{}, 1)).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(SyncWait(shard->Open(ref, BodyForm::kMemory)).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(SyncWait(shard->ReadMeta(ref)).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(SyncWait(shard->GetTrackSet(12345)).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(SyncWait(shard->Trim(1)).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(SyncWait(shard->WaitForOrdinal(5, CancelToken())).error().code(), ErrorCode::kClosed);
  EXPECT_EQ(SyncWait(store_->EnforceRetention()).error().code(), ErrorCode::kClosed);
  store_.reset();
}

}  // namespace
}  // namespace penstock::store
