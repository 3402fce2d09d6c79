// A segment of which little lives is rewritten: wherever the power goes, each item is there once,
// whatever is left of the index, and `store check` finds nothing wrong.
#include <map>

#include <fmt/format.h>

#include "base/metrics.h"
#include "tests/crash/store_fixture.h"

namespace penstock::testing {
namespace {

class CleaningTest : public StoreFixture {
 protected:
  CleaningTest() {
    options_.retention_interval = std::chrono::milliseconds(0);
    Open();
    shards_ = {Create("kept"), Create("trimmed")};
  }
  ~CleaningTest() override { shards_.clear(); }

  // One item of the first stream to three of the second, in the same segments.
  void Record(int items) {
    for (int i = 0; i < items; ++i) {
      const size_t stream = items_ % 4 == 0 ? 0 : 1;
      const TestItem item{.seed = ++items_};
      clock_.Advance(std::chrono::milliseconds(100));
      const auto header = Append(shards_[stream], item);
      ASSERT_TRUE(header.ok()) << header.error().ToString();
      acked_[stream].emplace(header->ordinal, item);
    }
  }
  void TrimSecond() {
    const uint64_t end = shards_[1]->GetStatus().next_ordinal;
    ASSERT_TRUE(SyncWait(shards_[1]->Trim(end)).ok());
    acked_[1].clear();
  }
  void Reopen(uint64_t seed, IndexAge index) {
    shards_.clear();
    disk_->CutPower();
    Close();
    disk_ = disk_->Crash(seed, index);
    ExpectNothingWrong(fmt::format("seed {}, before the opening", seed));
    Open();
    shards_ = {Shard("kept"), Shard("trimmed")};
  }
  void ExpectNothingWrong(const std::string& when) {
    const auto report = store::Store::Check(options_.directory, *disk_);
    ASSERT_TRUE(report.ok()) << report.error().ToString();
    for (const auto& finding : report->findings)
      EXPECT_FALSE(finding.harmful) << when << ": " << finding.where << ": " << finding.what;
  }
  // All that was acknowledged and not trimmed, once, bit for bit.
  void ExpectAll(const std::string& when) {
    for (size_t stream = 0; stream < shards_.size(); ++stream) {
      std::map<uint64_t, size_t> listed;
      for (const store::ItemHeader& header : List(shards_[stream])) ++listed[header.ordinal];
      uint64_t bytes = 0;
      for (const auto& [ordinal, item] : acked_[stream]) {
        EXPECT_EQ(listed[ordinal], 1u) << when << ", ordinal " << ordinal;
        EXPECT_EQ(Check(shards_[stream], ordinal, item), "") << when << ", ordinal " << ordinal;
        bytes += item.body().size();
      }
      const store::ShardStatus status = shards_[stream]->GetStatus();
      EXPECT_EQ(listed.size(), acked_[stream].size()) << when;
      EXPECT_EQ(status.items, acked_[stream].size()) << when;
      EXPECT_EQ(status.body_bytes, bytes) << when;
    }
    CheckTracks(when);
  }
  void CheckTracks(const std::string& when) {
    for (const store::ItemHeader& header : List(shards_[0])) {
      if (header.track_set == 0) continue;
      const auto tracks = SyncWait(shards_[0]->GetTrackSet(header.track_set));
      ASSERT_TRUE(tracks.ok()) << when << ": " << tracks.error().ToString();
      EXPECT_EQ(tracks->body.text(), acked_[0].at(header.ordinal).track_set().text()) << when;
    }
  }
  size_t Segments() {
    size_t segments = 0;
    for (const auto& file : disk_->Files())
      segments += file.filename().string().ends_with("h.segment") ? 1 : 0;
    return segments;
  }
  static uint64_t Cleaned() {
    return metrics::GetCounter("penstock_store_cleaned_segments_total", "").value();
  }

  std::vector<std::shared_ptr<store::Shard>> shards_;
  uint64_t items_ = 0;
  std::map<size_t, std::map<uint64_t, TestItem>> acked_;
};

TEST_F(CleaningTest, NothingIsRewrittenWhileThereIsRoom) {
  Record(600);
  TrimSecond();
  const uint64_t before = Cleaned();
  clock_.Advance(std::chrono::minutes(20));
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  EXPECT_EQ(Cleaned(), before);
  // Now twice what is to be kept free is not.
  const store::Disk::Space space = disk_->GetSpace("/store").value();
  shards_.clear();
  Close();
  options_.min_free_bytes = space.free_bytes * 2 / 3;
  Open();
  shards_ = {Shard("kept"), Shard("trimmed")};
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  EXPECT_GT(Cleaned(), before);
  ExpectAll("cleaned");
}

// Until a round of cleaning gets through without one.
TEST_F(CleaningTest, ThePowerMayGoAtEveryStepOfIt) {
  shards_.clear();
  Close();
  options_.clean_at = 0;
  Open();
  shards_ = {Shard("kept"), Shard("trimmed")};
  const IndexAge ages[] = {IndexAge::kNewest, IndexAge::kNone, IndexAge::kOlder,
                           IndexAge::kDamaged};
  const uint64_t cleaned_before = Cleaned();
  uint64_t calls = 1;
  for (bool cut = true; cut && calls < 200; ++calls) {
    Record(240);
    disk_->SnapshotIndex();
    TrimSecond();
    if (calls % 3 == 0) disk_->SnapshotIndex();
    disk_->CutPowerAfter(calls);
    (void)SyncWait(store_->EnforceRetention());
    cut = disk_->power_lost();
    Reopen(calls, ages[calls % 4]);
    const std::string when = fmt::format("power cut at call {}", calls);
    ExpectAll(when);
    // Nothing is left to be moved twice.
    disk_->CutPowerAfter(0);
    ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok()) << when;
    ExpectAll(when + ", cleaned again");
    if (HasFailure()) FAIL() << when;
  }
  EXPECT_LT(calls, 200u) << "the cleaning never ended";
  EXPECT_GT(Cleaned() - cleaned_before, calls / 2);
  shards_.clear();
  Close();
  ExpectNothingWrong("at the end");
}

// What was copied is cleaned again, from copies, until little is left, and survives a rebuild.
TEST_F(CleaningTest, CopiesAreCopiedAgain) {
  shards_.clear();
  Close();
  options_.clean_at = 0;
  Open();
  shards_ = {Shard("kept"), Shard("trimmed")};
  Record(900);
  TrimSecond();
  Record(100);
  for (int half = 0; half < 5; ++half) {
    const store::ShardStatus status = shards_[0]->GetStatus();
    const uint64_t before = (status.oldest_ordinal + status.next_ordinal) / 2;
    ASSERT_TRUE(SyncWait(shards_[0]->Trim(before)).ok());
    acked_[0].erase(acked_[0].begin(), acked_[0].lower_bound(before));
    const uint64_t cleaned = Cleaned();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
    if (half < 2) {
      EXPECT_GT(Cleaned(), cleaned) << half;
    }
    ExpectAll("cleaned");
    Reopen(half, half % 2 == 0 ? IndexAge::kNone : IndexAge::kOlder);
    ExpectAll("opened");
  }
  EXPECT_LT(Segments(), 6u);
}

// A copy whose bytes are not what they were acknowledged to be is not made.
TEST_F(CleaningTest, ADamagedItemKeepsItsSegment) {
  Record(300);
  TrimSecond();
  shards_.clear();
  Close();
  std::filesystem::path first;
  for (const auto& file : disk_->Files()) {
    if (file.filename().string().ends_with("-24h.segment") && (first.empty() || file < first))
      first = file;
  }
  ASSERT_FALSE(first.empty());
  const TestItem& oldest = acked_[0].begin()->second;
  const Bytes bytes = disk_->Contents(first);
  const size_t at = bytes.text().find(oldest.body().text());
  ASSERT_NE(at, std::string_view::npos);
  disk_->Flip(first, at, 1);
  options_.clean_at = 0;
  Open();
  shards_ = {Shard("kept"), Shard("trimmed")};
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  const auto files = disk_->Files();
  EXPECT_NE(std::find(files.begin(), files.end(), first), files.end());
  EXPECT_NE(Check(shards_[0], acked_[0].begin()->first, oldest), "");
  acked_[0].erase(acked_[0].begin());
  for (const auto& [ordinal, item] : acked_[0]) EXPECT_EQ(Check(shards_[0], ordinal, item), "");
}

// What was copied and is lost is no slot that a crash left open, though its items are older than
// the segment.
TEST_F(CleaningTest, ALostSegmentOfCopiesIsALoss) {
  Record(300);
  TrimSecond();
  shards_.clear();
  Close();
  std::set<std::filesystem::path> before;
  for (const auto& file : disk_->Files()) before.insert(file);
  options_.clean_at = 0;
  Open();
  shards_ = {Shard("kept"), Shard("trimmed")};
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  Record(8);
  shards_.clear();
  Close();
  // The copies have a segment of their own.
  std::filesystem::path copies;
  for (const auto& file : disk_->Files()) {
    const bool made = file.filename().string().ends_with("-24h.segment") && !before.contains(file);
    if (made && (copies.empty() || file < copies)) copies = file;
  }
  ASSERT_FALSE(copies.empty());
  ASSERT_TRUE(disk_->Unlink(copies).ok());
  ASSERT_TRUE(disk_->SyncDirectory(copies.parent_path()).ok());
  disk_ = disk_->Crash(1, IndexAge::kNone);
  Open();
  shards_ = {Shard("kept"), Shard("trimmed")};
  for (const store::ItemHeader& header : List(shards_[0]))
    EXPECT_NE(header.kind, store::ItemKind::kAbandoned) << header.ordinal;
}

}  // namespace
}  // namespace penstock::testing
