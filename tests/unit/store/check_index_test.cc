// `store check` compares the index with the log, says what differs, and changes nothing.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/index/index.h"
#include "store/store_impl.h"
#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

class CheckIndexTest : public StoreTest {
 protected:
  void Fill() {
    Open();
    for (uint64_t i = 0; i < 8; ++i) {
      clock_.Advance(std::chrono::seconds(2));
      Append(*Stream("cam"), 500, i);
      Append(*Stream("other"), 500, i);
    }
    ASSERT_TRUE(SyncWait(Stream("cam")->Trim(2)).ok());
    shard_ = Stream("cam")->id();
    Close();
  }
  CheckReport Check() {
    const auto before = Contents();
    auto report = Store::Check(options_.directory, RealDisk());
    EXPECT_TRUE(report.ok()) << report.error().ToString();
    EXPECT_EQ(Contents(), before) << "a check wrote something";
    return report.ok() ? std::move(*report) : CheckReport();
  }
  void ExpectSound() {
    const CheckReport report = Check();
    EXPECT_FALSE(report.index_differs);
    for (const auto& finding : report.findings)
      EXPECT_FALSE(finding.harmful) << finding.where << ": " << finding.what;
  }
  // Each with what is found in the words of a finding.
  using Damage = std::function<void(const Index&, IndexBatch&)>;
  void ExpectSaid(const std::string& where, const std::string& what, const Damage& damage) {
    SCOPED_TRACE(what);
    Fill();
    {
      const Uuid id = ReadFormat(RealDisk(), options_.directory).value();
      auto index = Index::Open(IndexFolder(), id).value();
      IndexBatch rows;
      damage(*index, rows);
      ASSERT_TRUE(index->Commit(rows).ok());
      ASSERT_TRUE(index->Flush().ok());
    }
    const CheckReport report = Check();
    EXPECT_TRUE(report.index_differs);
    std::vector<std::string> said;
    for (const auto& finding : report.findings) {
      if (finding.harmful) said.push_back(finding.where + ": " + finding.what);
    }
    EXPECT_THAT(said, ::testing::Contains(::testing::AllOf(::testing::HasSubstr(where),
                                                           ::testing::HasSubstr(what))));
    // As the words say.
    std::filesystem::remove_all(IndexFolder());
    ExpectSound();
    Open();
    EXPECT_EQ(Find(*Stream("cam"), FromOldest{}).front().header.ordinal, 2u);
    Close();
    ExpectSound();
    std::filesystem::remove_all(options_.directory);
  }
  std::filesystem::path IndexFolder() const { return options_.directory / "index"; }
  std::map<std::string, std::string> Contents() const {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.directory)) {
      std::ostringstream text;
      if (entry.is_regular_file()) text << std::ifstream(entry.path()).rdbuf();
      out[entry.path().string()] = std::move(text).str();
    }
    return out;
  }

  ShardId shard_;
};

INSTANTIATE_TEST_SUITE_P(Lanes, CheckIndexTest, ::testing::Values(1, 2));

TEST_P(CheckIndexTest, AnIndexThatIsTheFoldOfTheLogIsSound) {
  Fill();
  ExpectSound();
  Open();
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("other"))).ok());
  clock_.Advance(std::chrono::hours(25));
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  Append(*Stream("cam"), 500, 9);
  Close();
  ExpectSound();
}

TEST_P(CheckIndexTest, OneThatIsOlderThanTheLogIsCompared) {
  Fill();
  const auto copy = dir_.path() / "older";
  std::filesystem::copy(IndexFolder(), copy, std::filesystem::copy_options::recursive);
  Open();
  for (uint64_t i = 0; i < 5; ++i) Append(*Stream("cam"), 500, i);
  ASSERT_TRUE(SyncWait(Stream("cam")->Trim(4)).ok());
  ASSERT_TRUE(SyncWait(store_->DeleteStream(Name("other"))).ok());
  Close();
  std::filesystem::remove_all(IndexFolder());
  std::filesystem::rename(copy, IndexFolder());
  ExpectSound();
}

TEST_P(CheckIndexTest, WhatDiffersIsSaid) {
  const auto item = [this](const Index& index) { return index.GetItem(shard_, 5).value(); };
  ExpectSaid("cam", "the rows of 4 items differ in the index, from ordinal 2 on",
             [&](const Index&, IndexBatch& rows) { rows.EraseItems(shard_, 0, 6); });
  ExpectSaid("cam", "the rows of 1 items differ in the index, from ordinal 5 on",
             [&](const Index& index, IndexBatch& rows) {
               StoredItem other = item(index);
               ++other.record.meta_offset;
               rows.PutItem(other);
             });
  ExpectSaid("cam", "the rows of 1 items differ in the index, from ordinal 5 on",
             [&](const Index& index, IndexBatch& rows) { rows.EraseTimes(item(index).record); });
  ExpectSaid("cam", "the log has 6 items; the index has 7",
             [&](const Index& index, IndexBatch& rows) {
               StoredItem more = item(index);
               more.record.header.ordinal = 30;
               rows.PutItem(more);
             });
  ExpectSaid("cam", "does not know the track set", [&](const Index& index, IndexBatch& rows) {
    rows.EraseTrackSet(shard_, item(index).record.header.track_set);
  });
  ExpectSaid("cam", "the log has 6 items of 3000 bytes from ordinal 2 to 8; the index counts 7",
             [&](const Index& index, IndexBatch& rows) {
               std::vector<ShardState> states = index.LoadShards().value();
               for (ShardState& state : states) {
                 ++state.items;
                 rows.PutShard(state);
               }
             });
  ExpectSaid("index", "the catalog's stream/other is not in the index",
             [](const Index&, IndexBatch& rows) { rows.EraseCatalogEntry("stream/other"); });
  ExpectSaid("index", "the catalog's more is in the index and not in the log",
             [](const Index&, IndexBatch& rows) {
               CatalogEntry more;
               more.key = "more";
               rows.PutCatalogEntry(more);
             });
}

}  // namespace
}  // namespace penstock::store
