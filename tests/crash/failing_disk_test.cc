// Calls to the disk that fail, one at a time, and bytes that change on the medium.
#include <map>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/random.h"
#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

class FailingDiskTest : public StoreFixture {
 protected:
  // Appends; remembers what was acknowledged.
  void AppendSome(const std::string& name, int count) {
    const auto shard = Shard(name);
    for (int i = 0; i < count; ++i) {
      const TestItem item{.seed = ++items_};
      const auto header = Append(shard, item);
      if (header.ok()) acked_[name].emplace(header->ordinal, item);
    }
  }
  void ExpectEverythingAcked() {
    for (const auto& [name, items] : acked_) {
      const auto shard = Shard(name);
      for (const auto& [ordinal, item] : items) {
        EXPECT_EQ(Check(shard, ordinal, item), "") << name << " ordinal " << ordinal;
      }
    }
  }

  uint64_t items_ = 0;
  std::map<std::string, std::map<uint64_t, TestItem>> acked_;
};

TEST_F(FailingDiskTest, ARefusedSyncMakesTheLaneReadOnlyUntilTheStoreIsOpenedAgain) {
  Open();
  Create("cam");
  AppendSome("cam", 20);
  ASSERT_EQ(acked_["cam"].size(), 20u);
  disk_->FailNth(DiskCall::kSync, 1, ErrorCode::kIo);
  AppendSome("cam", 1);
  ASSERT_EQ(acked_["cam"].size(), 20u) << "a refused sync was acknowledged";
  // The next sync would succeed and would have saved nothing: nobody may call it.
  EXPECT_EQ(Shard("cam")->OpenSlot().error().code(), ErrorCode::kFenced);
  EXPECT_TRUE(store_->GetStats().read_only);
  ExpectEverythingAcked();
  Crash(11);
  EXPECT_FALSE(store_->GetStats().read_only);
  ExpectEverythingAcked();
  AppendSome("cam", 5);
  EXPECT_EQ(acked_["cam"].size(), 25u);
  ExpectEverythingAcked();
}

// Short of descriptors or memory: like a full disk, a state that passes.
TEST_F(FailingDiskTest, ASegmentThatCannotBeMadeRefusesItsAppendsAndNotTheLane) {
  for (const DiskCall call : {DiskCall::kCreate, DiskCall::kAllocate, DiskCall::kSyncDirectory}) {
    SCOPED_TRACE(fmt::format("call of kind {}", static_cast<int>(call)));
    Close();
    disk_ = MakeStoreDisk();
    acked_.clear();
    Open();
    const auto shard = Create("cam");
    AppendSome("cam", 10);
    // Every segment that is tried from now on, until one append has been refused.
    std::optional<ErrorCode> refused;
    for (int i = 0; i < 2000 && !refused; ++i) {
      disk_->FailNth(call, 1, ErrorCode::kUnavailable);
      const TestItem item{.seed = ++items_};
      const auto header = Append(shard, item);
      if (header.ok()) acked_["cam"].emplace(header->ordinal, item);
      if (!header.ok()) refused = header.error().code();
    }
    disk_->FailNone();
    ASSERT_EQ(refused, ErrorCode::kUnavailable);
    EXPECT_FALSE(store_->GetStats().read_only);
    const std::vector<store::ItemHeader> seen = List(shard);
    ASSERT_FALSE(seen.empty());
    // A fragment plays live until it has left the window; a record is gone at once.
    const bool live = (seen.back().flags & store::kFlagDropped) != 0;
    EXPECT_EQ(seen.back().kind, live ? store::ItemKind::kFragment : store::ItemKind::kGap);
    EXPECT_EQ(seen.back().gap_reason, store::GapReason::kOverload);
    const size_t before = acked_["cam"].size();
    AppendSome("cam", 100);
    EXPECT_EQ(acked_["cam"].size(), before + 100);
    ExpectEverythingAcked();
    Crash(5);
    ASSERT_NE(store_, nullptr);
    ExpectEverythingAcked();
    const std::vector<store::ItemHeader> after = List(Shard("cam"));
    ASSERT_EQ(after.size(), seen.size() + 100);
    EXPECT_EQ(after[seen.size() - 1].gap_reason, store::GapReason::kOverload);
    if (HasFailure()) return;
  }
}

TEST_F(FailingDiskTest, TheOtherLaneGoesOnWhenOneIsReadOnly) {
  options_.lanes = 2;
  Open();
  for (int i = 0; i < 8; ++i) {
    Create(fmt::format("cam{}", i));
    AppendSome(fmt::format("cam{}", i), 1);
  }
  disk_->FailNth(DiskCall::kSync, 1, ErrorCode::kIo);
  size_t refused = 0;
  for (int i = 0; i < 8; ++i) {
    AppendSome(fmt::format("cam{}", i), 1);
    if (!Shard(fmt::format("cam{}", i))->OpenSlot().ok()) ++refused;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_LT(refused, 8u);
  ExpectEverythingAcked();
}

// Whatever fails, at whatever moment: what was acknowledged is there at once and after a crash, and
// then everything works again.
class EachCallFailsOnce : public FailingDiskTest, public ::testing::WithParamInterface<DiskCall> {};

TEST_P(EachCallFailsOnce, NothingAcknowledgedIsLost) {
  for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kFull}) {
    for (uint64_t nth = 1; nth <= 12; ++nth) {
      SCOPED_TRACE(fmt::format("call {} with {}", nth, ErrorCodeName(code)));
      Close();
      disk_ = MakeStoreDisk();
      acked_.clear();
      Open();
      Create("cam");
      AppendSome("cam", 10);
      disk_->FailNth(GetParam(), nth, code);
      AppendSome("cam", 40);
      (void)SyncWait(store_->EnforceRetention());
      disk_->FailNone();
      ExpectEverythingAcked();
      const size_t before = acked_["cam"].size();
      EXPECT_GE(before, 10u);
      Crash(nth);
      ASSERT_NE(store_, nullptr);
      ExpectEverythingAcked();
      AppendSome("cam", 3);
      EXPECT_EQ(acked_["cam"].size(), before + 3);
      ExpectEverythingAcked();
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, EachCallFailsOnce,
                         ::testing::Values(DiskCall::kOpen, DiskCall::kRead, DiskCall::kWrite,
                                           DiskCall::kSync, DiskCall::kAllocate,
                                           DiskCall::kTruncate, DiskCall::kCreate,
                                           DiskCall::kRename, DiskCall::kUnlink,
                                           DiskCall::kSyncDirectory));

// Opening is a conversation with the disk, too: each call of it fails once. Then it either still
// opens or says so, and a second attempt finds everything.
TEST_F(FailingDiskTest, OpeningSurvivesTheFailureOfEachOfItsCalls) {
  Open();
  Create("cam");
  AppendSome("cam", 60);
  Close();
  const std::vector<DiskCall> calls = {
      DiskCall::kOpen,   DiskCall::kRead,   DiskCall::kWrite,  DiskCall::kSync,
      DiskCall::kCreate, DiskCall::kRename, DiskCall::kUnlink, DiskCall::kSyncDirectory};
  for (const DiskCall call : calls) {
    for (uint64_t nth = 1; nth <= 10; ++nth) {
      SCOPED_TRACE(fmt::format("call {} of kind {}", nth, static_cast<int>(call)));
      disk_->FailNth(call, nth, ErrorCode::kIo);
      Result<std::unique_ptr<store::Store>> opened = store::Store::Open(options_, *disk_, clock_);
      if (opened.ok()) {
        store_ = std::move(*opened);
        disk_->FailNone();
        ExpectEverythingAcked();
      }
      disk_->CutPower();
      Close();
      disk_ = disk_->Crash(nth, nth % 2 == 0 ? IndexAge::kNone : IndexAge::kNewest);
      Open();
      ASSERT_NE(store_, nullptr);
      ExpectEverythingAcked();
      Close();
      if (HasFailure()) return;
    }
  }
}

TEST_F(FailingDiskTest, NothingIsVisibleBeforeItsSyncIsDone) {
  Open();
  const auto shard = Create("cam");
  disk_->HoldSyncs();
  Result<store::ItemHeader> header = Error(ErrorCode::kInternal, "not yet");
  std::thread appending([&] { header = Append(shard, TestItem{.seed = 1}); });
  disk_->AwaitHeldSyncs(1);
  EXPECT_TRUE(List(shard).empty());
  EXPECT_EQ(shard->GetStatus().next_ordinal, 0u);
  disk_->ReleaseSyncs();
  appending.join();
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(List(shard).size(), 1u);
}

// A byte of a segment changes: an item reads as it was or is refused; the wrong bytes are never
// given out, and the damage stays where it is.
TEST_F(FailingDiskTest, AFlippedByteIsNeverServedAndCostsNoOtherItem) {
  Open();
  Create("cam");
  AppendSome("cam", 60);
  Close();
  const std::unique_ptr<FaultDisk> whole = std::move(disk_);
  Prng prng(5);
  for (int round = 0; round < 150; ++round) {
    disk_ = whole->Crash(1, round % 2 == 0 ? IndexAge::kNone : IndexAge::kNewest);
    const auto files = disk_->Files();
    std::vector<std::filesystem::path> segments;
    for (const auto& file : files) {
      if (file.extension() == ".segment" && file.string().find("meta") == std::string::npos)
        segments.push_back(file);
    }
    ASSERT_FALSE(segments.empty());
    const auto& file = segments[prng.Below(segments.size())];
    const uint64_t size = disk_->Contents(file).size();
    const uint64_t offset = 4096 + prng.Below(size - 4096);
    const auto mask = static_cast<uint8_t>(1u << prng.Below(8));
    SCOPED_TRACE(fmt::format("{} offset {} mask {}", file.string(), offset, mask));
    disk_->Flip(file, offset, mask);
    Open();
    ASSERT_NE(store_, nullptr);
    size_t unreadable = 0;
    for (const auto& [ordinal, item] : acked_["cam"]) {
      const std::string found = Check(Shard("cam"), ordinal, item);
      EXPECT_EQ(found.find("differs"), std::string::npos) << found;
      if (!found.empty()) ++unreadable;
    }
    EXPECT_LE(unreadable, 1u);
    Close();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace penstock::testing
