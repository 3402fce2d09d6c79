// Segments of real media: what ffmpeg makes of them, and what the standard says of their bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "playback/hls/hls_service.h"
#include "playback/ts/transport_segment.h"
#include "tests/unit/playback/real_media.h"
#include "tests/unit/playback/ts/transport_reader.h"

namespace penstock::playback {
namespace {

class RealTransport : public RecordedMedia {
 protected:
  void RecordClip(const std::string& options, int seconds = 4) {
    clip_ = MakeClip(folder() / "clip.mp4", "320x180", seconds, options);
    Record(*shard_, clip_, 0, ServerTimeFromMs(kNoonMs));
    HlsService service(store_, clock_);
    const StreamName name = StreamName::Parse("cam1").value();
    std::string list = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n";
    for (size_t i = 0; i < shard_->items.size(); ++i) {
      const std::string file = FormatHlsFileName({.kind = HlsFileName::Kind::kTransportSegment,
                                                  .life = LifeOf(shard_->id()),
                                                  .id = shard_->items[i].header.ordinal});
      const Resource segment = SyncWait(service.Get(name, file, {})).value();
      EXPECT_EQ(segment.content_type, "video/mp2t");
      EXPECT_TRUE(segment.immutable);
      const auto& body = std::get<ByteChain>(segment.parts.at(0));
      WriteFile(folder() / file, body);
      segments_.push_back((folder() / file).string());
      joined_.Append(body);
      list += "#EXTINF:1,\n" + file + "\n";
    }
    WriteFile(folder() / "joined.ts", joined_);
    WriteFile(folder() / "list.m3u8", ByteChain(Bytes::From(list + "#EXT-X-ENDLIST\n")));
  }
  std::string Joined() const { return (folder() / "joined.ts").string(); }
  std::string List() const { return (folder() / "list.m3u8").string(); }

  // The pictures and the sound as they come out of a decoder.
  static std::string Decoded(const std::string& input, const std::string& map) {
    return RunCommand("ffmpeg -v warning -i " + input + " -map 0:" + map +
                      " -fps_mode passthrough -f rawvideo -c:v rawvideo -c:a pcm_s16le"
                      " -f framehash -hash md5 - | grep -v '^#' | cut -d, -f5-");
  }
  static double Duration(const std::string& input) {
    return std::stod(
        RunCommand("ffprobe -v warning -show_entries "
                   "format=duration -of csv=p=0 " +
                   input));
  }
  // What ffmpeg complains of while it decodes everything.
  static std::string Complaints(const std::string& input) {
    return RunCommand("ffmpeg -v warning -xerror -i " + input + " -map 0 -f null -");
  }

  void ExpectWhole() {
    const TransportReader reader(joined_.Flatten());
    int64_t last = 0;
    for (const int64_t told : reader.clock()) {
      const int64_t before = std::exchange(last, told);
      if (before == 0) continue;
      EXPECT_GT(told, before);
      EXPECT_LE(told - before, 9000);
    }
    for (const auto& [pid, type] : reader.types()) {
      last = 0;
      for (const PesPacket& pes : reader.OfPid(pid)) {
        EXPECT_LE(pes.dts, pes.pts);
        EXPECT_GT(pes.dts, last) << pid;
        last = pes.dts;
      }
    }
    EXPECT_EQ(reader.announced_breaks(), static_cast<int>(4 * segments_.size()));
    EXPECT_EQ(Complaints(Joined()), "");
    EXPECT_EQ(Complaints(List()), "");
    for (const std::string& segment : segments_) EXPECT_EQ(Complaints(segment), "") << segment;
    EXPECT_NEAR(Duration(List()), 4.0, 0.1);
    EXPECT_NEAR(Duration(Joined()), 4.0, 0.1);
    EXPECT_NEAR(Duration(segments_[1]), 1.0, 0.15);
  }

  Clip clip_;
  std::vector<std::string> segments_;
  ByteChain joined_;
};

TEST_F(RealTransport, WithBFramesEveryPictureAndUnitOfSoundIsTheSources) {
  RecordClip("-bf 2 -b:v 300k");
  ExpectWhole();
  for (const std::string map : {"v", "a"}) {
    const std::string source = Decoded(clip_.path, map);
    EXPECT_GT(source.size(), 3000u);
    EXPECT_EQ(Decoded(Joined(), map), source) << map;
  }
}

TEST_F(RealTransport, WithoutBFramesThereAreNoDecodeTimes) {
  RecordClip("-bf 0 -b:v 300k");
  ExpectWhole();
  for (const PesPacket& pes : TransportReader(joined_.Flatten()).OfPid(0x100))
    EXPECT_EQ(pes.pts, pes.dts);
}

TEST_F(RealTransport, H265IsCarriedAsWell) {
  RecordClip(
      "-c:v libx265 -tag:v hvc1 -x265-params log-level=none:keyint=25:min-keyint=25:bframes=2");
  ExpectWhole();
  EXPECT_EQ(Decoded(Joined(), "v"), Decoded(clip_.path, "v"));
}

TEST_F(RealTransport, FramesLieWhereTheTableSays) {
  RecordClip("-bf 2 -b:v 300k");
  std::multiset<int64_t> expected, found;
  for (const ClipFrame& frame : clip_.frames) {
    if (frame.frame.track != 1) continue;
    const double at = frame.frame.dts + frame.frame.cts_offset;
    expected.insert(static_cast<int64_t>(at * 90'000 / clip_.tracks.tracks[0].clock_rate + 0.5));
  }
  for (const PesPacket& pes : TransportReader(joined_.Flatten()).OfPid(0x100))
    found.insert(pes.pts - 900'000);
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace penstock::playback
