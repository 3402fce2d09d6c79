#include "server/api/export_timeline.h"

#include <gtest/gtest.h>

#include "base/byte_io.h"

namespace penstock::server {
namespace {

store::ItemHeader Item(int64_t server_ms, uint64_t run, uint64_t track_set = 1) {
  store::ItemHeader item;
  item.server_time = ServerTimeFromMs(server_ms);
  item.duration = std::chrono::milliseconds(2000);
  item.run = run;
  item.track_set = track_set;
  return item;
}

// Where the fragment begins in its document.
int64_t PlaceOf(ExportTimeline& timeline, const store::ItemHeader& item, int64_t run_ms) {
  return timeline.Add(item, run_ms) + run_ms;
}

TEST(ExportTimelineTest, TheFirstFragmentStartsAtZeroAndItsRunKeepsItsOwnTime) {
  ExportTimeline timeline;
  EXPECT_TRUE(timeline.BeginsDocument(Item(50'000, 1)));
  EXPECT_EQ(PlaceOf(timeline, Item(50'000, 1), 7000), 0);
  EXPECT_FALSE(timeline.BeginsDocument(Item(52'013, 1)));
  // Received 13 ms late; the media says 2000.
  EXPECT_EQ(PlaceOf(timeline, Item(52'013, 1), 9000), 2000);
}

TEST(ExportTimelineTest, AHoleBetweenRunsIsAHoleInTheFile) {
  ExportTimeline timeline;
  timeline.Add(Item(50'000, 1), 7000);
  EXPECT_EQ(PlaceOf(timeline, Item(80'000, 2), 0), 30'000);
  EXPECT_EQ(PlaceOf(timeline, Item(82'000, 2), 2000), 32'000);
}

TEST(ExportTimelineTest, RunsThatOverlapFollowEachOther) {
  ExportTimeline timeline;
  timeline.Add(Item(50'000, 1), 0);
  EXPECT_EQ(PlaceOf(timeline, Item(50'500, 2), 0), 2000);
}

TEST(ExportTimelineTest, OtherTracksAreAnotherDocument) {
  ExportTimeline timeline;
  timeline.Add(Item(50'000, 1), 0);
  EXPECT_TRUE(timeline.BeginsDocument(Item(52'000, 2, 9)));
  EXPECT_EQ(PlaceOf(timeline, Item(52'000, 2, 9), 0), 0);
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
