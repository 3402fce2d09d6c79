// Real media all the way: RTP packets in, Matroska that ffmpeg reads out.
#include "tests/unit/fragmenter/recording.h"

namespace penstock::fragmenter {
namespace {

using namespace fragmenter::testing;  // NOLINT: the tests' own words

class FragmenterMedia : public ::testing::Test {
 protected:
  Recording Record(const std::string& video, const std::string& audio) {
    path_ = MakeClip(folder_, "clip", video, audio);
    Recording recording;
    Fragmenter fragmenter({}, recording.Sink());
    Player player(fragmenter);
    if (!video.empty()) player.AddTrack(1, video == kH265 ? PayH265(path_) : PayH264(path_));
    if (!audio.empty()) player.AddTrack(2, PayAac(path_));
    player.Play();
    fragmenter.Break();
    return recording;
  }

  // Every packet of the source is there with the same bytes, and at the same time to the
  // millisecond that Matroska has.
  void ExpectSamePackets(const std::string& mkv, const std::string& map, size_t dropped_first = 0) {
    const std::vector<ClipPacket> source = Packets(path_, map);
    const std::vector<ClipPacket> stored = Packets(mkv, map);
    ASSERT_EQ(stored.size() + dropped_first, source.size());
    const int64_t rate = map == "0:v:0" ? 12'800 : 48'000;
    for (size_t i = 0; i < stored.size(); ++i) {
      const ClipPacket& from = source[i + dropped_first];
      EXPECT_EQ(stored[i].hash, from.hash) << i;
      const auto expected = static_cast<double>((from.pts - source[dropped_first].pts) * 1000) /
                            static_cast<double>(rate);
      EXPECT_NEAR(static_cast<double>(stored[i].pts - stored[0].pts), expected, 1.01) << i;
    }
  }

  void ExpectDecodes(const std::string& mkv) {
    EXPECT_EQ(Shell("ffmpeg -v warning -i " + mkv +
                    " -f null - 2>&1 | grep -v 'Timestamps are unset' || true"),
              "");
    EXPECT_EQ(Shell("mkvinfo --continue " + mkv + " 2>&1 | grep -iE 'error|invalid' || true"), "");
  }

  penstock::testing::TempDir dir_;
  std::string folder_ = dir_.path();
  std::string path_;
};

TEST_F(FragmenterMedia, H264AndAacComeBackByteForByte) {
  const Recording recording = Record(kH264, kAac);
  ASSERT_EQ(recording.fragments.size(), 2u);
  EXPECT_TRUE(recording.fragments[0].starts_run);
  EXPECT_FALSE(recording.fragments[1].starts_run);
  EXPECT_EQ(recording.fragments[0].duration, std::chrono::seconds(2));
  EXPECT_EQ(recording.fragments[1].duration, std::chrono::seconds(2));
  const std::string mkv = recording.WriteMkv(folder_ + "/out.mkv");
  ExpectDecodes(mkv);
  ExpectSamePackets(mkv, "0:v:0");
  ExpectSamePackets(mkv, "0:a:0");
}

TEST_F(FragmenterMedia, TracksOfARunBeginTogetherAtZero) {
  const Recording recording = Record(kH264WithB, kAac);
  for (const uint32_t track : {1u, 2u}) {
    const Frame first = recording.Frames(track).at(0);
    EXPECT_EQ(first.dts, 0);
    EXPECT_EQ(first.cts_offset, 0);
  }
}

TEST_F(FragmenterMedia, BFramesKeepTheirPresentationTimesAndGetAscendingDecodeTimes) {
  const Recording recording = Record(kH264WithB, "");
  ASSERT_EQ(recording.fragments.size(), 2u);
  const std::string mkv = recording.WriteMkv(folder_ + "/out.mkv");
  ExpectDecodes(mkv);
  ExpectSamePackets(mkv, "0:v:0");
  const std::vector<ClipPacket> source = Packets(path_);
  const std::vector<Frame> frames = recording.Frames(1);
  ASSERT_EQ(frames.size(), source.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].dts, static_cast<int64_t>(i) * 3600) << i;
    EXPECT_EQ(frames[i].dts + frames[i].cts_offset,
              (source[i].pts - source[0].pts) * 90'000 / 12'800)
        << i;
    EXPECT_EQ(frames[i].duration, 3600u) << i;
  }
}

TEST_F(FragmenterMedia, H265ComesBackByteForByte) {
  const Recording recording = Record(kH265, kAac);
  ASSERT_EQ(recording.fragments.size(), 2u);
  const std::string mkv = recording.WriteMkv(folder_ + "/out.mkv");
  ExpectDecodes(mkv);
  ExpectSamePackets(mkv, "0:v:0");
}

TEST_F(FragmenterMedia, AudioAloneIsCutAtTheMinimumAndCountsSamples) {
  const Recording recording = Record("", kAac);
  ASSERT_GE(recording.fragments.size(), 4u);
  const std::vector<Frame> frames = recording.Frames(2);
  for (size_t i = 0; i < frames.size(); ++i)
    EXPECT_EQ(frames[i].dts, static_cast<int64_t>(i) * 1024);
  const std::string mkv = recording.WriteMkv(folder_ + "/out.mkv");
  ExpectDecodes(mkv);
  ExpectSamePackets(mkv, "0:a:0");
}

TEST_F(FragmenterMedia, EachFragmentAloneIsADocument) {
  const Recording recording = Record(kH264WithB, kAac);
  ASSERT_EQ(recording.fragments.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const std::string mkv = recording.WriteMkv(folder_ + "/one.mkv", i, 1);
    ExpectDecodes(mkv);
    EXPECT_EQ(Packets(mkv).size(), 50u);
  }
}

TEST_F(FragmenterMedia, FrameTableLeadsToTheFramesBytes) {
  const Recording recording = Record(kH264, kAac);
  const Fragment& fragment = recording.fragments.at(0);
  for (const Frame& frame : fragment.frames.frames) {
    if (frame.track != 1) continue;
    const Bytes data = fragment.cluster.Slice(frame.offset, frame.size).Flatten();
    // The first NAL unit's length fits into the frame.
    ASSERT_GE(data.size(), 5u);
    EXPECT_EQ(data.data()[0], 0);
    EXPECT_LE(size_t{data.data()[2]} << 8 | data.data()[3], data.size());
  }
}

TEST_F(FragmenterMedia, AChangeOfResolutionStartsARunAtTheKeyFrame) {
  Recording recording;
  Fragmenter fragmenter({}, recording.Sink());
  Collector small = CollectUnits(PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 2)));
  Collector large = CollectUnits(PayH264(MakeClip(folder_, "b", kH264, "", "640x360", 2)));
  int64_t pts = 0;
  for (const Collector& part : {small, large}) {
    fragmenter.SetTrack(part.config);
    for (AccessUnit unit : part.units) {
      unit.pts = pts;
      unit.received = ServerTimeFromMs(1'700'000'000'000 + pts / 90);
      pts += 3600;
      ASSERT_TRUE(fragmenter.Push(std::move(unit)).ok());
    }
  }
  fragmenter.Break();
  ASSERT_EQ(recording.fragments.size(), 2u);
  EXPECT_TRUE(recording.fragments[1].starts_run);
  EXPECT_EQ(recording.fragments[0].tracks->tracks[0].width, 320u);
  EXPECT_EQ(recording.fragments[1].tracks->tracks[0].width, 640u);
  EXPECT_FALSE(recording.fragments[1].flags.no_keyframe);
  EXPECT_EQ(recording.fragments[1].frames.frames[0].dts, 0);
  ExpectDecodes(recording.WriteMkv(folder_ + "/a.mkv", 0, 1));
  ExpectDecodes(recording.WriteMkv(folder_ + "/b.mkv", 1, 1));
}

}  // namespace
}  // namespace penstock::fragmenter
