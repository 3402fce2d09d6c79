#include <random>

#include "fragmenter/media.h"

namespace penstock::fragmenter {
namespace {

bool Same(const Frame& a, const Frame& b) {
  return a.track == b.track && a.key == b.key && a.offset == b.offset && a.size == b.size &&
         a.dts == b.dts && a.cts_offset == b.cts_offset && a.duration == b.duration;
}

void ExpectRoundTrip(const FrameTable& table) {
  const Bytes bytes = table.Encode();
  const Result<FrameTable> back = FrameTable::Decode(bytes);
  ASSERT_TRUE(back.ok()) << back.error().ToString();
  EXPECT_EQ(back->raw_producer_us, table.raw_producer_us);
  ASSERT_EQ(back->frames.size(), table.frames.size());
  for (size_t i = 0; i < table.frames.size(); ++i)
    EXPECT_TRUE(Same(back->frames[i], table.frames[i])) << "frame " << i;
}

// Two seconds of 25 fps video with two audio frames after each picture, laid out as the cluster
// writer does.
FrameTable TwoSeconds() {
  FrameTable table;
  uint32_t at = 22;
  const auto add = [&](Frame frame) {
    frame.offset = at + (frame.size + 4 < 127 ? 6 : frame.size + 4 < 16383 ? 7 : 8);
    at = frame.offset + frame.size;
    table.frames.push_back(frame);
  };
  for (uint32_t i = 0; i < 50; ++i) {
    add({.track = 1,
         .key = i == 0,
         .size = i == 0 ? 60'000 : 9000 + i,
         .dts = int64_t{i} * 3600,
         .duration = 3600});
    for (uint32_t j = 0; j < 2; ++j) {
      add({.track = 2,
           .key = true,
           .size = 300 + j,
           .dts = (int64_t{i} * 2 + j) * 1024,
           .duration = 1024});
    }
  }
  return table;
}

TEST(FrameTable, AnEmptyTableSurvivesTheRoundTrip) { ExpectRoundTrip({}); }

TEST(FrameTable, AnOrdinaryFragmentCostsAtMostFourBytesAFrame) {
  const FrameTable table = TwoSeconds();
  ExpectRoundTrip(table);
  EXPECT_LE(table.Encode().size(), 16 + table.frames.size() * 4);
}

TEST(FrameTable, GoldenBytes) {
  FrameTable table;
  table.raw_producer_us = 1;
  table.frames.push_back({.track = 1,
                          .key = true,
                          .offset = 28,
                          .size = 5,
                          .dts = 0,
                          .cts_offset = 0,
                          .duration = 3600});
  table.frames.push_back({.track = 1,
                          .key = false,
                          .offset = 39,
                          .size = 7,
                          .dts = 3600,
                          .cts_offset = -3600,
                          .duration = 3600});
  const std::vector<uint8_t> expected = {
      0x01,              // version
      0x01,              // flags: raw producer time
      0x02,              // zigzag 1 µs
      0x01, 0x01,        // one track: number 1
      0x02,              // two frames
      0x13,              // key, gap, duration; track 0
      0x05, 0x1c,        // size 5, gap 28
      0x90, 0x1c,        // duration 3600
      0x08,              // cts offset; track 0; gap 6, dts and duration as expected
      0x07, 0x9f, 0x38,  // size 7, zigzag -3600
  };
  const Bytes bytes = table.Encode();
  EXPECT_EQ(std::vector<uint8_t>(bytes.span().begin(), bytes.span().end()), expected);
  ExpectRoundTrip(table);
}

TEST(FrameTable, RandomTablesSurviveTheRoundTrip) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    FrameTable table;
    if (round % 3 == 0) table.raw_producer_us = static_cast<int64_t>(random()) - 1'000'000;
    uint64_t end = 0;
    for (unsigned i = 0, count = random() % 60; i < count; ++i) {
      Frame frame;
      frame.track = 1 + random() % 12;
      frame.key = random() % 2 == 0;
      frame.offset = static_cast<uint32_t>(end + random() % 9);
      frame.size = random() % (random() % 2 == 0 ? 200 : 3'000'000);
      frame.dts = (static_cast<int64_t>(random()) << (random() % 20)) - 1'000'000'000;
      frame.cts_offset = static_cast<int32_t>(random());
      frame.duration = random() % 5000;
      end = uint64_t{frame.offset} + frame.size;
      table.frames.push_back(frame);
    }
    ExpectRoundTrip(table);
  }
}

TEST(FrameTable, EveryTruncationIsCorruption) {
  const Bytes bytes = TwoSeconds().Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Result<FrameTable> table = FrameTable::Decode(bytes.span().first(size));
    ASSERT_FALSE(table.ok()) << size;
    EXPECT_EQ(table.error().code(), ErrorCode::kCorruption);
  }
}

TEST(FrameTable, AClaimOfManyFramesAsksForNoMemory) {
  const std::vector<uint8_t> bytes = {1, 0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0};
  EXPECT_FALSE(FrameTable::Decode(bytes).ok());
}

}  // namespace
}  // namespace penstock::fragmenter
