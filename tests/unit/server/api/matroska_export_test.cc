#include "server/api/matroska_export.h"

#include "base/byte_io.h"
#include "fragmenter/media.h"

namespace penstock::server {
namespace {

ByteChain Cluster(int64_t stamp = 0) {
  ByteWriter writer;
  writer.Zero(fragmenter::kClusterTimestampOffset);
  writer.Be<int64_t>(stamp);
  writer.Text("frames");
  return ByteChain(writer.Take());
}

store::ItemHeader Item(int64_t server_ms, uint64_t run, uint64_t track_set = 1) {
  store::ItemHeader item;
  item.server_time = ServerTimeFromMs(server_ms);
  item.duration = std::chrono::milliseconds(2000);
  item.run = run;
  item.track_set = track_set;
  return item;
}

int64_t StampOf(const Result<ByteChain>& cluster) {
  const Bytes bytes = cluster->Flatten();
  ByteReader reader(bytes.span().subspan(fragmenter::kClusterTimestampOffset));
  return reader.Be<int64_t>();
}

TEST(MatroskaExportTest, TheFirstClusterStartsAtZeroAndItsRunKeepsItsOwnTime) {
  MatroskaExport document;
  EXPECT_TRUE(document.NeedsHeader(Item(50'000, 1)));
  EXPECT_EQ(StampOf(document.Add(Item(50'000, 1), 0, Cluster(7000))), 0);
  EXPECT_FALSE(document.NeedsHeader(Item(52'013, 1)));
  // Received 13 ms late, and by the camera's clock, which a sender report has set, 104 ms; the
  // media says 2000.
  EXPECT_EQ(StampOf(document.Add(Item(52'013, 1), 2000, Cluster(9104))), 2000);
}

TEST(MatroskaExportTest, AHoleBetweenRunsIsAHoleInTheFile) {
  MatroskaExport document;
  (void)document.Add(Item(50'000, 1), 7000, Cluster());
  EXPECT_EQ(StampOf(document.Add(Item(80'000, 2), 0, Cluster())), 30'000);
  EXPECT_EQ(StampOf(document.Add(Item(82'000, 2), 2000, Cluster())), 32'000);
}

TEST(MatroskaExportTest, RunsThatOverlapFollowEachOther) {
  MatroskaExport document;
  (void)document.Add(Item(50'000, 1), 0, Cluster());
  EXPECT_EQ(StampOf(document.Add(Item(50'500, 2), 0, Cluster())), 2000);
}

TEST(MatroskaExportTest, OtherTracksAreAnotherDocument) {
  MatroskaExport document;
  (void)document.Add(Item(50'000, 1), 0, Cluster());
  EXPECT_TRUE(document.NeedsHeader(Item(52'000, 2, 9)));
  EXPECT_EQ(StampOf(document.Add(Item(52'000, 2, 9), 0, Cluster())), 0);
}

TEST(MatroskaExportTest, NothingButTheTimeStampChanges) {
  MatroskaExport document;
  const ByteChain before = Cluster(7000);
  const auto after = document.Add(Item(50'000, 1), 0, before);
  ASSERT_EQ(after->size(), before.size());
  const Bytes a = before.Flatten();
  const Bytes b = after->Flatten();
  for (size_t i = 0; i < a.size(); ++i) {
    if (i >= fragmenter::kClusterTimestampOffset && i < fragmenter::kClusterTimestampOffset + 8)
      continue;
    EXPECT_EQ(a.data()[i], b.data()[i]) << i;
  }
}

TEST(MatroskaExportTest, ABodyThatIsNoClusterIsACorruption) {
  MatroskaExport document;
  const auto added = document.Add(Item(0, 1), 0, ByteChain(Bytes::Copy("short")));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), ErrorCode::kCorruption);
}

TEST(RunTimeTest, IsWhereTheBlocksCountFrom) {
  const fragmenter::TrackSet tracks{{{.number = 1, .clock_rate = 90'000}}};
  fragmenter::FrameTable table;
  table.frames.push_back({.track = 1, .offset = 30, .size = 4, .dts = 180'000, .cts_offset = 3600});
  ByteWriter cluster;
  cluster.Zero(27);
  cluster.Be<int16_t>(40);  // the frame is shown 40 ms after its cluster's time
  cluster.Zero(5);
  const ByteChain bytes(cluster.Take());
  EXPECT_EQ(RunTimeMs(tracks, table, bytes).value(), 2000);
  EXPECT_EQ(RunTimeMs(tracks, {}, bytes).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(RunTimeMs({}, table, bytes).error().code(), ErrorCode::kCorruption);
  table.frames.front().offset = 100;
  EXPECT_EQ(RunTimeMs(tracks, table, bytes).error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace penstock::server
