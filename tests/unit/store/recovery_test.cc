#include <filesystem>
#include <fstream>

#include "tests/unit/store/store_fixture.h"

namespace penstock::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RecoveryTest : public StoreTest {
 protected:
  // As a killed process leaves the folder: nothing sealed, the index as old as its last flush, or
  // gone.
  void Kill(bool keep_index) {
    const fs::path left = dir_.path() / "left";
    fs::copy(options_.directory, left, fs::copy_options::recursive);
    Close();
    fs::remove_all(options_.directory);
    fs::rename(left, options_.directory);
    if (!keep_index) fs::remove_all(options_.directory / "index");
  }
  std::vector<fs::path> Files(std::string_view suffix) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(options_.directory)) {
      if (entry.path().string().ends_with(suffix)) out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  // What the answers to readers are, as text.
  std::string Answers() {
    std::string out;
    for (const StreamInfo& info : store_->ListStreams()) {
      auto shard = store_->OpenShard(info.shard);
      const ShardStatus status = shard->GetStatus();
      out += fmt::format("{} {}h v{}: {}..{} {} items {} bytes\n", info.name.text(),
                         info.retention_hours, info.version, status.oldest_ordinal,
                         status.next_ordinal, status.items, status.body_bytes);
      for (const ItemRef& ref : Find(*shard, FromOldest{})) {
        const ItemHeader& h = ref.header;
        out += fmt::format("  {} {} run {} disc {} {} {} kind {} set {} {}+{}\n", h.ordinal,
                           h.number.ToString(), h.run, h.discontinuity_ordinal, ToMs(h.server_time),
                           ToUs(h.producer_time), int(h.kind), h.track_set, h.body_bytes,
                           h.meta_bytes);
        const auto opened = SyncWait(shard->Open(ref, BodyForm::kMemory));
        out += opened.ok() ? fmt::format("  {}\n", std::hash<std::string>()(Text(*opened)))
                           : fmt::format("  {}\n", ErrorCodeName(opened.error().code()));
      }
    }
    for (const CatalogEntry& entry : store_->catalog().Scan("", "", 1000)) {
      out += fmt::format("{} v{} {}\n", entry.key, entry.version, entry.value.text());
    }
    return out;
  }
  void FillVariously() {
    auto a = Stream("a");
    auto b = Stream("b", 1);
    auto gone = Stream("gone");
    for (uint64_t i = 0; i < 8; ++i) {
      clock_.Advance(std::chrono::seconds(2));
      Append(*a, i * 40'000, i);
      Append(*b, 300, i);
      Append(*gone, 300, i);
      { auto unused = b->OpenSlot(); }
    }
    // Gaps are written without anyone waiting; one more append behind them.
    Append(*b, 1, 1);
    EXPECT_TRUE(SyncWait(a->Trim(3)).ok());
    EXPECT_TRUE(SyncWait(store_->ChangeStream(Name("b"), {.retention_hours = 48})).ok());
    clock_.SetWall(clock_.Now() - std::chrono::minutes(10));
    Append(*b, 70'000, 20);
    EXPECT_TRUE(SyncWait(store_->DeleteStream(Name("gone"))).ok());
    std::vector<CatalogWrite> writes;
    writes.push_back({"source/x", Bytes::Copy("rtsp://camera")});
    EXPECT_TRUE(SyncWait(store_->catalog().Txn({}, std::move(writes), "r1")).ok());
  }
};

INSTANTIATE_TEST_SUITE_P(Lanes, RecoveryTest, ::testing::Values(1, 2));

TEST_P(RecoveryTest, AKilledStoreComesBackWithTheSameAnswers) {
  for (const bool keep_index : {true, false}) {
    SCOPED_TRACE(keep_index);
    Open();
    FillVariously();
    const std::string before = Answers();
    Kill(keep_index);
    const auto report = Store::Check(options_.directory, RealDisk());
    ASSERT_TRUE(report.ok()) << report.error().ToString();
    for (const auto& finding : report->findings)
      EXPECT_FALSE(finding.harmful) << finding.where << " " << finding.what;
    EXPECT_GT(report->items, 20u);
    Open();
    EXPECT_EQ(Answers(), before);
    Reopen();
    EXPECT_EQ(Answers(), before);
    Close();
    fs::remove_all(options_.directory);
  }
}

TEST_P(RecoveryTest, ADeletedOrForeignOrDamagedIndexIsBuiltAnewToTheSameAnswers) {
  Open();
  FillVariously();
  const std::string before = Answers();
  Close();
  const fs::path old = dir_.path() / "old";
  fs::copy(options_.directory / "index", old, fs::copy_options::recursive);

  fs::remove_all(options_.directory / "index");
  Reopen();
  EXPECT_EQ(Answers(), before);

  Append(*Stream("a"), 10, 1);
  const std::string after = Answers();
  Close();
  fs::remove_all(options_.directory / "index");  // an older one, as of before the last append
  fs::copy(old, options_.directory / "index", fs::copy_options::recursive);
  Reopen();
  EXPECT_EQ(Answers(), after);
  Close();

  for (const auto& entry : fs::directory_iterator(options_.directory / "index")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::resize_file(entry.path(), 7);
  }
  Open();
  EXPECT_EQ(Answers(), after);
}

TEST_P(RecoveryTest, ATornBatchIsCutOffKeptAsideAndTheRestIsThere) {
  Open();
  auto shard = Stream("a");
  for (uint64_t i = 0; i < 4; ++i) Append(*shard, 50'000, i);
  shard.reset();
  Kill(true);
  // Behind the last batch: the beginning of one that was being written.
  const auto segments = Files("-24h.segment");
  ASSERT_EQ(segments.size(), 1u);
  std::fstream file(segments[0], std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t last = bytes.rfind("PSBT");
  const std::string torn = bytes.substr(last, 4000);
  const size_t end = (last + 4096 + 53'248 + 4095) / 4096 * 4096;
  file.clear();
  file.seekp(static_cast<std::streamoff>(end));
  file << torn;
  file.close();
  Open();
  shard = Stream("a");
  const auto found = Find(*shard, FromOldest{});
  ASSERT_EQ(found.size(), 4u);
  for (uint64_t i = 0; i < 4; ++i) ExpectBytes(*shard, found[i], 50'000, i);
  ASSERT_EQ(Files(fmt::format("-{}", end)).size(), 1u);
}

TEST_P(RecoveryTest, ABatchThatWasNotAcknowledgedIsVoidWhenItsBodyIsTorn) {
  Open();
  auto shard = Stream("a");
  for (uint64_t i = 0; i < 3; ++i) Append(*shard, 50'000, i);
  shard.reset();
  Kill(false);
  // Of the newest batch nobody can tell whether it was acknowledged: one block of its body is
  // missing.
  const auto segments = Files("-24h.segment");
  std::fstream file(segments[0], std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t at = bytes.find(PatternBytes(50'000, 2).text().substr(0, 64));
  ASSERT_NE(at, std::string::npos);
  file.clear();
  file.seekp(static_cast<std::streamoff>(at + 4096));
  file << std::string(4096, '\0');
  file.close();
  Open();
  shard = Stream("a");
  EXPECT_THAT(Ordinals(Find(*shard, FromOldest{})), ElementsAre(0, 1));
  const ItemHeader next = Append(*shard, 10, 9);
  EXPECT_EQ(next.ordinal, 2u);
  EXPECT_EQ(next.number.index >> 40, 2u);
  shard.reset();
  Reopen();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(0, 1, 2));
}

// An opening reads no footer whose items the index has; one that is damaged is noticed when they
// are folded again.
TEST_P(RecoveryTest, WhatADamagedFooterListsIsReadFromTheBatches) {
  Open();
  FillVariously();
  const std::string before = Answers();
  Close();
  for (const fs::path& path : Files("h.segment")) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    file.clear();
    file.seekp(static_cast<std::streamoff>(bytes.rfind("PSFT") + 96 + 70));
    file << "damage";
  }
  for (const bool keep_index : {true, false}) {
    SCOPED_TRACE(keep_index);
    if (!keep_index) fs::remove_all(options_.directory / "index");
    Reopen();
    EXPECT_EQ(Answers(), before);
    Close();
    const auto report = Store::Check(options_.directory, RealDisk());
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(std::any_of(report->findings.begin(), report->findings.end(), [](const auto& f) {
      return f.what.find("footer: wrong CRC") != std::string::npos && !f.harmful;
    }));
  }
}

TEST_P(RecoveryTest, DamageBehindADamagedFooterIsNotPaperedOver) {
  Open();
  auto shard = Stream("a");
  for (uint64_t i = 0; i < 3; ++i) Append(*shard, 100, i);
  shard.reset();
  Close();
  fs::remove_all(options_.directory / "index");
  const auto segments = Files("-24h.segment");
  ASSERT_EQ(segments.size(), 1u);
  std::fstream file(segments[0], std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  file.clear();
  file.seekp(static_cast<std::streamoff>(bytes.rfind("PSFT") + 96 + 70));
  file << "damage";
  const size_t second = bytes.find("PSBT", bytes.find("PSBT") + 4);
  file.seekp(static_cast<std::streamoff>(second + 100));
  file << "damage";
  file.close();
  Open();
  EXPECT_THAT(Ordinals(Find(*Stream("a"), FromOldest{})), ElementsAre(0, 2));
}

TEST_P(RecoveryTest, ASegmentIsFullWithSoManyItems) {
  options_.segment_items = 3;
  Open();
  auto shard = Stream("a");
  for (uint64_t i = 0; i < 7; ++i) Append(*shard, 100, i);
  shard.reset();
  // On the thread that seals full segments, behind that: a file that is cut meanwhile cannot be
  // copied.
  ASSERT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  Kill(true);
  EXPECT_EQ(Files("-24h.segment").size(), 4u) << "each has the tracks, too";
  Open();
  EXPECT_EQ(Find(*Stream("a"), FromOldest{}).size(), 7u);
}

TEST_P(RecoveryTest, AcknowledgedMetadataThatCannotBeReadStopsTheOpening) {
  Open();
  Stream("a");
  Stream("b");
  Kill(false);
  for (const fs::path& path : Files("-meta.segment")) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 + 80);
    file << "damage";
  }
  EXPECT_EQ(Store::Open(options_, RealDisk(), clock_).error().code(), ErrorCode::kCorruption);
  const auto report = Store::Check(options_.directory, RealDisk());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(std::any_of(report->findings.begin(), report->findings.end(),
                          [](const auto& f) { return f.harmful; }));
}

TEST_P(RecoveryTest, ANewerFormatIsRefusedAndNothingIsTouched) {
  Open();
  Close();
  std::ofstream(options_.directory / "FORMAT")
      << "penstock store 2\nid 00000000000000000000000000000000\n";
  EXPECT_EQ(Store::Open(options_, RealDisk(), clock_).error().code(), ErrorCode::kUnsupported);
  std::ofstream(options_.directory / "FORMAT") << "something else\n";
  EXPECT_EQ(Store::Open(options_, RealDisk(), clock_).error().code(), ErrorCode::kCorruption);
}

TEST_P(RecoveryTest, AFolderIsOpenOnce) {
  Open();
  EXPECT_EQ(Store::Open(options_, RealDisk(), clock_).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(Store::Check(options_.directory, RealDisk()).error().code(), ErrorCode::kConflict);
}

TEST_P(RecoveryTest, OldMetaSegmentsGoWhenTheirSnapshotIsDurable) {
  for (int i = 0; i < 4; ++i) {
    Open();
    Stream(fmt::format("s{}", i));
    // Behind the snapshot on the store's background thread.
    EXPECT_TRUE(SyncWait(store_->EnforceRetention()).ok());
    Close();
  }
  EXPECT_EQ(Files("-meta.segment").size(), static_cast<size_t>(GetParam()));
  Open();
  EXPECT_EQ(store_->ListStreams().size(), 4u);
}

TEST_P(RecoveryTest, ARebuiltIndexKeepsTheMarkOfAStreamYoungerThanTheSnapshotOfTheCatalog) {
  Open();
  // Behind the first snapshots, on the store's background thread.
  EXPECT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  const uint64_t last_lane = static_cast<uint64_t>(GetParam()) - 1;
  std::string name;
  do {
    name += "s";
    Stream(name);
  } while (store_->GetStream(Name(name))->shard.Hash() % options_.lanes != last_lane);
  const auto shard = Stream(name);
  Append(*shard, 100, 0);
  const std::string newest_before = Files("-meta.segment").back();
  uint64_t trimmed = 0;
  while (Files("-meta.segment").back() == newest_before) {
    Append(*shard, 100, ++trimmed);
    ASSERT_TRUE(SyncWait(shard->Trim(trimmed)).ok());
  }
  // Behind the snapshot of this lane alone, which lets the older metadata go.
  EXPECT_TRUE(SyncWait(store_->EnforceRetention()).ok());
  Kill(false);
  Open();
  EXPECT_EQ(Stream(name)->GetStatus().oldest_ordinal, trimmed);
  EXPECT_THAT(Ordinals(Find(*Stream(name), FromOldest{})), ElementsAre(trimmed));
}

TEST_P(RecoveryTest, LanesMayBeAddedAndStreamsStayWhereTheyAre) {
  Open();
  Append(*Stream("a"), 100, 1);
  Close();
  options_.lanes = 3;
  Open();
  ExpectBytes(*Stream("a"), Find(*Stream("a"), FromOldest{})[0], 100, 1);
  Close();
  options_.lanes = 1;
  Open();
  ExpectBytes(*Stream("a"), Find(*Stream("a"), FromOldest{})[0], 100, 1);
}

}  // namespace
}  // namespace penstock::store
