// A sealed segment whose file somebody or something took away.
#include <filesystem>

#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LostSegmentTest : public StoreTest {
 protected:
  // Four segments, each of an opening of its own, with three items: 0..2, 3..5, 6..8, 9..11.
  void Fill() {
    for (uint64_t segment = 0; segment < 4; ++segment) {
      Open();
      auto shard = Stream("cam");
      for (uint64_t i = 0; i < 3; ++i) {
        clock_.Advance(std::chrono::seconds(2));
        Append(*shard, 40'000, segment * 3 + i);
      }
      shard.reset();
      Close();
    }
    ASSERT_EQ(Segments().size(), 4u);
  }
  std::vector<fs::path> Segments(std::string_view suffix = "-24h.segment") {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory)) {
      if (entry.path().string().ends_with(suffix)) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  // What is harmful, a line each.
  std::string Harm() {
    const auto report = Store::Check(options_.directory, RealDisk());
    if (!report.ok()) return report.error().ToString();
    std::string out;
    for (const auto& finding : report->findings) {
      if (finding.harmful) out += finding.where + ": " + finding.what + "\n";
    }
    return out;
  }
  std::vector<uint64_t> Served() { return Ordinals(Find(*Stream("cam"), FromOldest{})); }
};

INSTANTIATE_TEST_SUITE_P(Lanes, LostSegmentTest, ::testing::Values(1, 2));

TEST_P(LostSegmentTest, AWholeStoreHasNoHarm) {
  Fill();
  EXPECT_EQ(Harm(), "");
}

TEST_P(LostSegmentTest, FromTheMiddleItIsReportedWithWhatItHeldAndNotPaperedOver) {
  Fill();
  const fs::path lost = Segments()[1];
  fs::remove(lost);
  const auto expect_harm = [&] {
    EXPECT_THAT(Harm(), HasSubstr(lost.string() + ": the segment is not there"));
    EXPECT_THAT(Harm(), HasSubstr("stream/cam: ordinals 3 to 5, between 2026-01-15T12:00:06"));
    EXPECT_THAT(Harm(), HasSubstr("and 2026-01-15T12:00:14"));
    EXPECT_THAT(Harm(), HasSubstr("are lost"));
  };
  expect_harm();
  for (int i = 0; i < 3; ++i) {
    fs::remove_all(options_.directory / "index");
    Open();
    EXPECT_THAT(Served(), ElementsAre(0, 1, 2, 6, 7, 8, 9, 10, 11));
    ExpectBytes(*Stream("cam"), Find(*Stream("cam"), FromOrdinal{6}, 1)[0], 40'000, 6);
    EXPECT_EQ(Stream("cam")->GetStatus().next_ordinal, 12u);
    Close();
    expect_harm();
  }
}

TEST_P(LostSegmentTest, TheNewestOneIsReportedThoughNothingStandsBehindIt) {
  Fill();
  const fs::path lost = Segments()[3];
  fs::remove(lost);
  EXPECT_THAT(Harm(), HasSubstr(lost.string() + ": the segment is not there"));
  fs::remove_all(options_.directory / "index");
  Open();
  EXPECT_THAT(Served(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  Append(*Stream("cam"), 10, 1);
  Reopen();
  Close();
  EXPECT_THAT(Harm(), HasSubstr(lost.string() + ": the segment is not there"));
}

TEST_P(LostSegmentTest, CutToNothingItCountsAsLost) {
  Fill();
  const fs::path lost = Segments()[1];
  fs::resize_file(lost, 4096);
  EXPECT_THAT(Harm(), HasSubstr(lost.string() + ": the segment is not there"));
  fs::remove_all(options_.directory / "index");
  Reopen();
  EXPECT_THAT(Served(), ElementsAre(0, 1, 2, 6, 7, 8, 9, 10, 11));
  Close();
  EXPECT_THAT(Harm(), HasSubstr(lost.string() + ": the segment is not there"));
}

// The rows of a stream that is live only point nowhere, and its ordinals have holes.
TEST_P(LostSegmentTest, ATimeWithoutStoringIsNoLoss) {
  Fill();
  Open();
  EXPECT_TRUE(SyncWait(store_->ChangeStream(Name("cam"), {.retention_hours = 0})).ok());
  for (uint64_t i = 0; i < 4; ++i) Append(*Stream("cam"), 100, i);
  EXPECT_TRUE(SyncWait(store_->ChangeStream(Name("cam"), {.retention_hours = 24})).ok());
  for (uint64_t i = 0; i < 4; ++i) Append(*Stream("cam"), 100, i);
  Close();
  EXPECT_EQ(Harm(), "");
}

TEST_P(LostSegmentTest, WhatRetentionRemovesIsNoLoss) {
  Fill();
  Open();
  clock_.Advance(std::chrono::hours(25));
  EXPECT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  EXPECT_EQ(Segments().size(), 0u);
  Append(*Stream("cam"), 100, 1);
  Close();
  EXPECT_EQ(Harm(), "");
}

TEST_P(LostSegmentTest, ALossIsForgottenWhenAllThatItHeldWouldBeGone) {
  Fill();
  fs::remove(Segments()[2]);
  Open();
  clock_.Advance(std::chrono::hours(23));
  EXPECT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  Close();
  EXPECT_THAT(Harm(), HasSubstr("the segment is not there"));
  Open();
  clock_.Advance(std::chrono::hours(2));
  EXPECT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  Close();
  EXPECT_EQ(Harm(), "");
}

TEST_P(LostSegmentTest, OfMetadataItStopsTheOpening) {
  Fill();
  for (const fs::path& path : Segments("-meta.segment")) fs::remove(path);
  EXPECT_THAT(Harm(), HasSubstr("the metadata of epoch 4 is not there"));
  EXPECT_EQ(Store::Open(options_, RealDisk(), clock_).error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace penstock::store
