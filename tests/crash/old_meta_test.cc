// Segments of metadata that a snapshot has made superfluous go, not always in their order: an index
// from before the snapshot must not be taken for one that can be brought up to date.
#include <fmt/format.h>

#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

class OldMetaTest : public StoreFixture {
 protected:
  // Each change is a key of its own, and none is taken back.
  void Change() {
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = fmt::format("key/{:05}", changes_ + 1);
    writes[0].value = Bytes::Copy(std::string(512, 'x'));
    std::vector<store::Expect> none;
    const Status done =
        SyncWait(store_->catalog().Txn(std::move(none), std::move(writes), std::string()));
    if (done.ok()) ++changes_;
  }
  size_t changes_ = 0;
};

// The oldest of them stay, since their removal fails; those behind them go.
TEST_F(OldMetaTest, AnIndexFromBeforeTheSnapshotDoesNotLackWhatTheyHeld) {
  constexpr int kFailing = 80;
  constexpr int kChanges = 200;
  Open();
  Change();
  disk_->SnapshotIndex();
  for (int i = 0; i < kChanges; ++i) {
    disk_->FailNone();
    if (i < kFailing) disk_->FailNth(DiskCall::kUnlink, 1, ErrorCode::kUnavailable);
    Change();
  }
  ASSERT_EQ(changes_, kChanges + 1u);
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Crash(seed, IndexAge::kOlder);
    EXPECT_EQ(store_->catalog().Scan("key/", "", SIZE_MAX).size(), changes_);
  }
}

}  // namespace
}  // namespace penstock::testing
