#include "playback/mp4/media_segment.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "playback/resource.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::FrameTable;
using fragmenter::TrackSet;

TrackSet AvcAndAac() {
  TrackSet set;
  set.tracks = {AvcTrack(1), AacTrack(2)};
  return set;
}

// Two pictures and an audio frame between them.
FragmentBuilder ThreeFrames() {
  FragmentBuilder fragment;
  fragment.Add({.track = 1, .key = true, .dts = 180'000, .duration = 3600}, "KEYFRAME")
      .Add({.track = 2, .key = true, .dts = 96'000, .duration = 1024}, "AUDIO")
      .Add({.track = 1, .key = false, .dts = 183'600, .duration = 3600}, "DELTA");
  return fragment;
}

TEST(MediaSegment, TheContiguousMoofReadsAsItIsWrittenHere) {
  FragmentBuilder fragment = ThreeFrames();
  const ByteChain cluster = fragment.Finish();
  const MediaSegment segment =
      MakeMediaSegment(AvcAndAac(), fragment.table, cluster.size(), 7, Layout::kContiguous).value();
  EXPECT_EQ(ToHex(segment.head),
            "000000b8"
            "6d6f6f66"  // moof
            "00000010"
            "6d666864"
            "00000000"
            "00000007"  // mfhd: sequence 7
            "00000054"
            "74726166"  // traf
            "00000018"
            "74666864"
            "00020028"
            "00000001"  // tfhd: default-base-is-moof, track 1,
            "00000e10"
            "01010000"  //   duration 3600, not sync
            "00000014"
            "74666474"
            "01000000"          // tfdt v1
            "000000000002bf20"  //   180000
            "00000020"
            "7472756e"
            "01000205"
            "00000002"  // trun v1: offset, first flags, sizes; 2 samples
            "000000c0"
            "02000000"  //   at 192 from the moof, the first is sync
            "00000008"
            "00000005"  //   8 and 5 bytes
            "0000004c"
            "74726166"  // traf
            "00000018"
            "74666864"
            "00020028"
            "00000002"  // tfhd: track 2
            "00000400"
            "02000000"  //   duration 1024, sync
            "00000014"
            "74666474"
            "01000000"          // tfdt v1
            "0000000000017700"  //   96000
            "00000018"
            "7472756e"
            "01000201"
            "00000001"  // trun v1: offset, sizes; 1 sample
            "000000cd"  //   at 205 from the moof
            "00000005"  //   5 bytes
            "0000001a"
            "6d646174");  // mdat of 18 bytes
  EXPECT_EQ(AssembleSegment(segment, cluster).Flatten().text().substr(segment.head.size()),
            "KEYFRAMEDELTAAUDIO");
}

TEST(MediaSegment, TheVerbatimMdatIsTheClusterAsItIsStored) {
  FragmentBuilder fragment = ThreeFrames();
  const ByteChain cluster = fragment.Finish();
  const MediaSegment segment =
      MakeMediaSegment(AvcAndAac(), fragment.table, cluster.size(), 7, Layout::kVerbatim).value();
  ASSERT_EQ(segment.body.size(), 1u);
  EXPECT_EQ(segment.body[0], (BodyRange{0, static_cast<uint32_t>(cluster.size())}));
  const Bytes whole = AssembleSegment(segment, cluster).Flatten();
  // Every trun of one sample points at its bytes.
  size_t found = 0;
  const std::string_view text = whole.text();
  for (size_t at = text.find("trun"); at != text.npos; at = text.find("trun", at + 1)) {
    ByteReader in(ByteSpan(whole).subspan(at + 4));
    const uint32_t flags = in.Be<uint32_t>();
    EXPECT_EQ(in.Be<uint32_t>(), 1u);
    const uint32_t offset = in.Be<uint32_t>();
    if ((flags & 4) != 0) in.Skip(4);
    const std::string_view sample = text.substr(offset, in.Be<uint32_t>());
    const std::string_view expected[] = {"KEYFRAME", "DELTA", "AUDIO"};
    ASSERT_LT(found, 3u);
    EXPECT_EQ(sample, expected[found++]);
  }
  EXPECT_EQ(found, 3u);
}

// An independent reading of a segment: the samples that its moof describes.
struct ReadSample {
  uint32_t track;
  int64_t dts;
  int64_t cts;
  uint32_t duration;
  bool sync;
  std::string data;
  bool operator==(const ReadSample&) const = default;
};

class SegmentReader {
 public:
  explicit SegmentReader(const Bytes& segment) : segment_(segment) {
    ByteReader in(segment);
    const uint32_t moof_bytes = in.Be<uint32_t>();
    EXPECT_EQ(AsText(in.Raw(4)), "moof");
    ReadBoxes(in.Raw(moof_bytes - 8));
    EXPECT_EQ(in.Be<uint32_t>(), segment.size() - moof_bytes);
    EXPECT_EQ(AsText(in.Raw(4)), "mdat");
  }

  std::vector<ReadSample> samples;

 private:
  void ReadBoxes(ByteSpan bytes) {
    ByteReader in(bytes);
    while (in.left() > 0) {
      const uint32_t size = in.Be<uint32_t>();
      const std::string_view type = AsText(in.Raw(4));
      ByteReader box(in.Raw(size - 8));
      if (type == "traf") ReadBoxes(box.rest());
      if (type == "tfhd") ReadTfhd(box);
      if (type == "tfdt") ReadTfdt(box);
      if (type == "trun") ReadTrun(box);
      EXPECT_TRUE(box.ok());
    }
  }
  void ReadTfhd(ByteReader& box) {
    const uint32_t flags = box.Be<uint32_t>();
    track_ = box.Be<uint32_t>();
    duration_ = (flags & 8) != 0 ? box.Be<uint32_t>() : 0;
    flags_ = (flags & 0x20) != 0 ? box.Be<uint32_t>() : 0;
  }
  void ReadTfdt(ByteReader& box) {
    EXPECT_EQ(box.Be<uint32_t>(), 0x01000000u);
    dts_ = box.Be<int64_t>();
  }
  void ReadTrun(ByteReader& box) {
    const uint32_t flags = box.Be<uint32_t>();
    const uint32_t count = box.Be<uint32_t>();
    uint32_t offset = box.Be<uint32_t>();
    const uint32_t first_flags = (flags & 4) != 0 ? box.Be<uint32_t>() : flags_;
    for (uint32_t i = 0; i < count; ++i) {
      ReadSample sample{.track = track_, .dts = dts_};
      sample.duration = (flags & 0x100) != 0 ? box.Be<uint32_t>() : duration_;
      const uint32_t bytes = box.Be<uint32_t>();
      uint32_t sample_flags = i == 0 ? first_flags : flags_;
      if ((flags & 0x400) != 0) sample_flags = box.Be<uint32_t>();
      sample.cts = (flags & 0x800) != 0 ? box.Be<int32_t>() : 0;
      sample.sync = (sample_flags & 0x10000) == 0;
      sample.data = segment_.text().substr(offset, bytes);
      offset += bytes;
      dts_ += sample.duration;
      samples.push_back(std::move(sample));
    }
    EXPECT_EQ(box.left(), 0u);
  }

  const Bytes segment_;
  uint32_t track_ = 0;
  uint32_t duration_ = 0;
  uint32_t flags_ = 0;
  int64_t dts_ = 0;
};

std::vector<ReadSample> ReadSegment(const Bytes& segment) { return SegmentReader(segment).samples; }

// Every kind of fragment: variable frame rate, reordering, key frames anywhere, empty and large
// frames.
TEST(MediaSegment, RandomFragmentsReadBackFromBothLayouts) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    FragmentBuilder fragment;
    std::vector<ReadSample> expected[2];
    int64_t dts[2] = {static_cast<int64_t>(random() % 1'000'000), 0};
    const int frames = 1 + static_cast<int>(random() % 40);
    const bool steady = random() % 2 == 0;
    const bool reordered = random() % 2 == 0;
    for (int i = 0; i < frames; ++i) {
      const size_t t = random() % 2;
      Frame frame{.track = static_cast<uint32_t>(t + 1), .key = random() % 3 == 0, .dts = dts[t]};
      frame.duration = steady ? 3000 : 1 + random() % 5000;
      frame.cts_offset = reordered ? static_cast<int32_t>(random() % 9000) - 3000 : 0;
      dts[t] += frame.duration;
      const std::string data(random() % 7 == 0 ? random() % 200'000 : random() % 300,
                             static_cast<char>(random()));
      fragment.Add(frame, AsBytes(data));
      expected[t].push_back(
          {frame.track, frame.dts, frame.cts_offset, frame.duration, t == 1 || frame.key, data});
    }
    expected[0].insert(expected[0].end(), expected[1].begin(), expected[1].end());
    const ByteChain cluster = fragment.Finish();
    for (const Layout layout : {Layout::kContiguous, Layout::kVerbatim}) {
      const MediaSegment segment =
          MakeMediaSegment(AvcAndAac(), fragment.table, cluster.size(), round, layout).value();
      const ByteChain whole = AssembleSegment(segment, cluster);
      ASSERT_TRUE(ReadSegment(whole.Flatten()) == expected[0]) << "round " << round;
    }
  }
}

TEST(MediaSegment, ASampleLastsUntilTheNextOneOfItsTrack) {
  FragmentBuilder fragment;
  fragment.Add({.track = 1, .key = true, .dts = 0, .duration = 3000}, "A")
      .Add({.track = 1, .dts = 5000, .duration = 3000}, "B");
  const ByteChain cluster = fragment.Finish();
  const MediaSegment segment =
      MakeMediaSegment(AvcAndAac(), fragment.table, cluster.size(), 0, Layout::kContiguous).value();
  const auto samples = ReadSegment(AssembleSegment(segment, cluster).Flatten());
  EXPECT_EQ(samples[0].duration, 5000u);
  EXPECT_EQ(samples[1].duration, 3000u);
}

TEST(MediaSegment, NoSampleIsCopied) {
  FragmentBuilder fragment = ThreeFrames();
  const ByteChain cluster = fragment.Finish();
  const MediaSegment segment =
      MakeMediaSegment(AvcAndAac(), fragment.table, cluster.size(), 0, Layout::kContiguous).value();
  const ByteChain whole = AssembleSegment(segment, cluster);
  const ByteSpan memory = cluster.pieces().front();
  for (size_t i = 1; i < whole.pieces().size(); ++i) {
    EXPECT_GE(whole.pieces()[i].data(), memory.data());
    EXPECT_LT(whole.pieces()[i].data(), memory.data() + memory.size());
  }
}

TEST(MediaSegment, ATableThatDoesNotFitTheClusterIsCorruption) {
  const Frame good{.track = 1, .key = true, .offset = 10, .size = 20, .dts = 100, .duration = 50};
  struct Case {
    const char* what;
    std::vector<Frame> frames;
  };
  Frame outside = good;
  outside.size = 91;
  Frame overlaps = good;
  overlaps.offset = 29;
  overlaps.dts = 150;
  Frame backwards = good;
  backwards.offset = 30;
  backwards.dts = 99;
  Frame jumps = backwards;
  jumps.dts = int64_t{1} << 40;
  Frame stranger = good;
  stranger.track = 9;
  Frame before = good;
  before.dts = -1;
  Frame huge = good;
  huge.offset = UINT32_MAX;
  huge.size = UINT32_MAX;
  const Case cases[] = {{"ends after the cluster", {outside}},
                        {"overlaps the one before", {good, overlaps}},
                        {"decode time runs backwards", {good, backwards}},
                        {"decode time jumps", {good, jumps}},
                        {"unknown track", {stranger}},
                        {"begins before its run", {before}},
                        {"ends after the cluster", {huge}},
                        {"without a frame", {}}};
  for (const Case& c : cases) {
    FrameTable table;
    table.frames = c.frames;
    for (const Layout layout : {Layout::kContiguous, Layout::kVerbatim}) {
      const Result<MediaSegment> segment = MakeMediaSegment(AvcAndAac(), table, 100, 0, layout);
      ASSERT_FALSE(segment.ok()) << c.what;
      EXPECT_EQ(segment.error().code(), ErrorCode::kCorruption);
      EXPECT_THAT(segment.error().message(), testing::HasSubstr(c.what));
    }
  }
}

TEST(SliceParts, AnyRangeOfMixedPartsIsThatRange) {
  const auto file = std::make_shared<const FileHandle>(-1);
  ByteChain head(Bytes::Copy("01234"));
  head.Append(Bytes::Copy("56789"));
  const std::vector<BodyPart> parts = {head, FileSlice{file, 100, 10}};
  EXPECT_EQ(PartsBytes(parts), 20u);
  const std::vector<BodyPart> across = SliceParts(parts, 3, 9);
  ASSERT_EQ(across.size(), 2u);
  EXPECT_EQ(std::get<ByteChain>(across[0]).Flatten().text(), "3456789");
  EXPECT_EQ(std::get<FileSlice>(across[1]).offset, 100u);
  EXPECT_EQ(std::get<FileSlice>(across[1]).size, 2u);
  const std::vector<BodyPart> tail = SliceParts(parts, 15, 5);
  ASSERT_EQ(tail.size(), 1u);
  EXPECT_EQ(std::get<FileSlice>(tail[0]).offset, 105u);
  EXPECT_TRUE(SliceParts(parts, 20, 0).empty());
}

}  // namespace
}  // namespace penstock::playback
