#include <filesystem>

#include "store/store_impl.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

class CatalogTest : public StoreTest {
 protected:
  Status Put(std::string key, std::string value, uint64_t version, std::string request = "") {
    std::vector<Expect> expects;
    expects.push_back({key, version});
    std::vector<CatalogWrite> writes;
    writes.push_back({key, Bytes::Copy(value)});
    return SyncWait(
        store_->catalog().Txn(std::move(expects), std::move(writes), std::move(request)));
  }
  // What no caller can do: a stream's row is replaced by bytes that say nothing.
  void PutStreamRow(const std::string& name, Bytes value) {
    std::vector<CatalogWrite> writes;
    writes.push_back({"stream/" + name, std::move(value)});
    auto& catalog = static_cast<CatalogImpl&>(store_->catalog());
    ASSERT_TRUE(SyncWait(catalog.Submit({}, std::move(writes), "")).ok());
  }
  std::string Get(std::string_view key) {
    const auto entry = store_->catalog().Get(key);
    return entry ? std::string(entry->value.text()) : "-";
  }
};

INSTANTIATE_TEST_SUITE_P(Lanes, CatalogTest, ::testing::Values(1, 2));

TEST_P(CatalogTest, NamesThatUrlsResolveAwayAreNotMade) {
  Open();
  for (const char* name : {".", ".."}) {
    EXPECT_EQ(SyncWait(store_->CreateStream(Name(name), 24)).error().code(),
              ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(SyncWait(store_->CreateStream(Name("..."), 24)).ok());
}

TEST_P(CatalogTest, AStreamThatCannotBeReadCostsNoOtherStreamAndNothingOfItsOwn) {
  Open();
  for (const char* name : {"good", "bad"}) {
    for (uint64_t i = 0; i < 5; ++i) Append(*Stream(name), 500, i);
  }
  ASSERT_TRUE(SyncWait(Stream("bad")->Trim(2)).ok());
  const Bytes row = store_->catalog().Get("stream/bad")->value;
  const StreamInfo lost = *store_->GetStream(Name("bad"));
  PutStreamRow("bad", Bytes::Copy("no row"));
  // From the index, from the log, when everything of it would have been removed long ago.
  for (int opening = 0; opening < 4; ++opening) {
    Close();
    if (opening == 2) std::filesystem::remove_all(options_.directory / "index");
    Open();
    EXPECT_EQ(store_->GetStats().unreadable_streams, 1u);
    EXPECT_FALSE(store_->GetStream(Name("bad")).has_value());
    EXPECT_EQ(store_->OpenShard(lost.shard), nullptr);
    EXPECT_EQ(Get("stream/bad"), "no row");
    EXPECT_EQ(SyncWait(store_->CreateStream(Name("bad"), 24)).error().code(),
              ErrorCode::kAlreadyExists);
    EXPECT_EQ(Find(*Stream("good"), FromOldest{}).size(), 5u);
    clock_.Advance(std::chrono::hours(25));
    ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
    EXPECT_THAT(Find(*Stream("good"), FromOldest{}), ::testing::IsEmpty());
    for (uint64_t i = 0; i < 5; ++i) Append(*Stream("good"), 500, i);
  }
  Close();
  const auto report = Store::Check(options_.directory, RealDisk());
  ASSERT_TRUE(report.ok()) << report.error().ToString();
  const auto finding =
      std::find_if(report->findings.begin(), report->findings.end(),
                   [](const CheckReport::Finding& each) { return each.where == "stream/bad"; });
  ASSERT_NE(finding, report->findings.end());
  EXPECT_TRUE(finding->harmful);
  // Mended, all of it is there, what was hidden stays hidden, and its ordinals go on.
  clock_.SetWall(lost.created);
  Open();
  PutStreamRow("bad", row);
  Reopen();
  EXPECT_EQ(store_->GetStats().unreadable_streams, 0u);
  const auto found = Find(*Stream("bad"), FromOldest{});
  EXPECT_THAT(Ordinals(found), ::testing::ElementsAre(2, 3, 4));
  for (const ItemRef& ref : found) ExpectBytes(*Stream("bad"), ref, 500, ref.header.ordinal);
  EXPECT_EQ(Append(*Stream("bad"), 500, 5).ordinal, 5u);
  Close();
  const auto sound = Store::Check(options_.directory, RealDisk());
  ASSERT_TRUE(sound.ok()) << sound.error().ToString();
  for (const auto& each : sound->findings)
    EXPECT_FALSE(each.harmful) << each.where << ": " << each.what;
}

TEST_P(CatalogTest, AStreamOfALaneThatIsNotThereIsReportedAndTheOthersWork) {
  Open();
  Append(*Stream("good"), 500, 1);
  Append(*Stream("bad"), 500, 1);
  PutStreamRow("bad", EncodeStreamRow(*store_->GetStream(Name("bad")), 63));
  Reopen();
  EXPECT_EQ(store_->GetStats().unreadable_streams, 1u);
  EXPECT_EQ(Find(*Stream("good"), FromOldest{}).size(), 1u);
  Close();
  const auto report = Store::Check(options_.directory, RealDisk());
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings[0].where, "stream/bad");
  EXPECT_TRUE(report->findings[0].harmful);
}

TEST_P(CatalogTest, AChangeNeedsTheVersionItSaw) {
  Open();
  EXPECT_TRUE(Put("k", "1", 0).ok());
  EXPECT_EQ(Put("k", "2", 0).error().code(), ErrorCode::kConflict);
  const uint64_t version = store_->catalog().Get("k")->version;
  EXPECT_TRUE(Put("k", "2", version).ok());
  EXPECT_EQ(Put("k", "3", version).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(Get("k"), "2");
  EXPECT_GT(store_->catalog().Get("k")->version, version);
  Reopen();
  EXPECT_EQ(Get("k"), "2");
}

TEST_P(CatalogTest, ATransactionIsAllOrNothing) {
  Open();
  EXPECT_TRUE(Put("a", "1", 0).ok());
  std::vector<Expect> expects;
  expects.push_back({"a", 999});
  std::vector<CatalogWrite> writes;
  writes.push_back({"b", Bytes::Copy("x")});
  writes.push_back({"a", std::nullopt});
  EXPECT_EQ(SyncWait(store_->catalog().Txn(expects, writes, "")).error().code(),
            ErrorCode::kConflict);
  EXPECT_EQ(Get("b"), "-");
  expects[0].version = store_->catalog().Get("a")->version;
  EXPECT_TRUE(SyncWait(store_->catalog().Txn(expects, writes, "")).ok());
  EXPECT_EQ(Get("a"), "-");
  EXPECT_EQ(Get("b"), "x");
}

TEST_P(CatalogTest, AnErasedKeyComesBackWithALargerVersion) {
  Open();
  EXPECT_TRUE(Put("a", "1", 0).ok());
  const uint64_t first = store_->catalog().Get("a")->version;
  std::vector<CatalogWrite> writes;
  writes.push_back({"a", std::nullopt});
  EXPECT_TRUE(SyncWait(store_->catalog().Txn({}, writes, "")).ok());
  EXPECT_TRUE(Put("a", "2", 0).ok());
  EXPECT_GT(store_->catalog().Get("a")->version, first);
}

TEST_P(CatalogTest, ARepeatedRequestHasTheFirstOutcome) {
  Open();
  EXPECT_TRUE(Put("k", "1", 0, "request-1").ok());
  EXPECT_TRUE(Put("k", "1", 0, "request-1").ok());
  EXPECT_EQ(Put("k", "2", 0, "request-2").error().code(), ErrorCode::kConflict);
  Reopen();
  EXPECT_TRUE(Put("k", "1", 0, "request-1").ok());
  std::vector<CatalogWrite> writes;
  writes.push_back({"k", std::nullopt});
  EXPECT_TRUE(SyncWait(store_->catalog().Txn({}, writes, "")).ok());
  EXPECT_EQ(Put("k", "2", 0, "request-2").error().code(), ErrorCode::kConflict);
  EXPECT_EQ(Get("k"), "-");
}

TEST_P(CatalogTest, BoundsAndTheStoresOwnKeysAreRefused) {
  Open();
  EXPECT_EQ(Put("k", std::string(64 * 1024 + 1, 'x'), 0).error().code(), ErrorCode::kTooLarge);
  EXPECT_TRUE(Put("k", std::string(64 * 1024, 'x'), 0).ok());
  EXPECT_EQ(Put("", "x", 0).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Put("stream/a", "x", 0).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Put("k2", "x", 0, std::string(300, 'r')).error().code(), ErrorCode::kInvalidArgument);
}

TEST_P(CatalogTest, AScanGoesOnAfterAKey) {
  Open();
  for (const char* key : {"a/1", "a/2", "a/3", "b/1"}) EXPECT_TRUE(Put(key, key, 0).ok());
  const auto keys = [&](std::string_view after, size_t limit) {
    std::string out;
    for (const auto& entry : store_->catalog().Scan("a/", after, limit)) out += entry.key + " ";
    return out;
  };
  EXPECT_EQ(keys("", 10), "a/1 a/2 a/3 ");
  EXPECT_EQ(keys("", 2), "a/1 a/2 ");
  EXPECT_EQ(keys("a/2", 2), "a/3 ");
  EXPECT_EQ(keys("a/3", 2), "");
}

TEST_P(CatalogTest, StreamsAreMadeOnceAndLiveAnewAfterADeletion) {
  Open();
  const auto first = SyncWait(store_->CreateStream(Name("cam"), 24));
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(SyncWait(store_->CreateStream(Name("cam"), 24)).error().code(),
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(SyncWait(store_->CreateStream(Name("cam2"), 1'000'000)).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(SyncWait(store_->DeleteStream(Name("none"))).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(SyncWait(store_->DeleteStream(Name("cam"))).ok());
  EXPECT_EQ(store_->OpenShard(first->shard), nullptr);
  const auto second = SyncWait(store_->CreateStream(Name("cam"), 12));
  ASSERT_TRUE(second.ok());
  EXPECT_NE(second->shard, first->shard);
  EXPECT_EQ(second->retention_hours, 12u);
}

}  // namespace
}  // namespace penstock::store
