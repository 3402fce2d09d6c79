// The whole way with real media: ffmpeg's packets become fragments, and what ffmpeg reads out of
// playlist, segments and exports must be the same packets.
#include "tests/unit/playback/real_media.h"

#include <cstdlib>

#include "playback/hls/hls_service.h"

namespace penstock::playback {
namespace {

class RealMedia : public RecordedMedia, public ::testing::WithParamInterface<LayoutPolicy> {
 protected:
  // Writes everything a playlist names into the folder, as a web server would show it.
  void WriteTree(const HlsOptions& options, int64_t end_ms) {
    HlsService service(store_, clock_, options);
    const StreamName name = StreamName::Parse("cam1").value();
    std::vector<std::pair<std::string, std::string>> query = {{"start", std::to_string(kNoonMs)},
                                                              {"end", std::to_string(end_ms)}};
    playlist_ = Save(SyncWait(service.Get(name, "index.m3u8", query)), "index.m3u8");
    std::istringstream lines(playlist_);
    bool gap = false;
    for (std::string line; std::getline(lines, line);) {
      if (line == "#EXT-X-GAP") gap = true;
      if (line.starts_with("#EXT-X-MAP:URI=\"")) {
        const std::string file = line.substr(16, line.size() - 17);
        Save(SyncWait(service.Get(name, file, {})), file);
      }
      if (line.starts_with("#")) continue;
      if (!gap) Save(SyncWait(service.Get(name, line, {})), line);
      gap = false;
    }
  }

  // One run's init segment and media segments in one file.
  std::string Join(int run) {
    std::istringstream lines(playlist_);
    ByteChain joined;
    int at = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line == "#EXT-X-DISCONTINUITY") ++at;
      if (at != run) continue;
      std::string file = line;
      if (line.starts_with("#EXT-X-MAP:URI=\"")) file = line.substr(16, line.size() - 17);
      if (file.empty() || file.starts_with("#") || !exists(folder() / file)) continue;
      joined.Append(Bytes::From(ReadFile(folder() / file)));
    }
    const std::filesystem::path path = folder() / ("joined" + std::to_string(run) + ".bin");
    WriteFile(path, joined);
    return path.string();
  }

  std::string Save(const Result<Resource>& resource, const std::string& file) {
    EXPECT_TRUE(resource.ok()) << file;
    if (!resource.ok()) return {};
    const auto& body = std::get<ByteChain>(resource->parts.at(0));
    WriteFile(folder() / file, body);
    return std::string(body.Flatten().text());
  }

  // Folder of an outer test (a browser, say) that wants the tree.
  void KeepIfAsked(const std::string& name) {
    const char* keep = std::getenv("PENSTOCK_KEEP_HLS");
    if (keep == nullptr) return;
    const std::filesystem::path to = std::filesystem::path(keep) / name;
    std::filesystem::create_directories(to);
    using std::filesystem::copy_options;
    std::filesystem::copy(folder(), to, copy_options::overwrite_existing | copy_options::recursive);
  }

  std::string playlist_;
};

const char* LayoutName(LayoutPolicy layout) {
  return layout == LayoutPolicy::kContiguous ? "contiguous" : "verbatim";
}

TEST_P(RealMedia, FfmpegReadsTheSourcesPacketsOutOfThePlaylist) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 4);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  ASSERT_EQ(shard_->items.size(), 4u);
  WriteTree({.layout = GetParam()}, kNoonMs + 60'000);
  const std::vector<ProbedPacket> source = Probe(clip.path);
  EXPECT_GT(source.size(), 250u);
  EXPECT_TRUE(Probe((folder() / "index.m3u8").string()) == source);
}

// By track; presentation times count from the first one, because ffmpeg shifts a track with
// negative composition offsets as a whole.
using Times = std::map<int, std::vector<std::pair<int64_t, int64_t>>>;

void AddTime(Times& times, int track, int64_t pts, int64_t dts, std::map<int, int64_t>& first_pts) {
  first_pts.try_emplace(track, pts);
  times[track].emplace_back(pts - first_pts[track], dts);
}

Times ProbeTimes(const std::string& file) {
  std::istringstream lines(RunCommand(
      "ffprobe -v error -show_entries packet=stream_index,pts,dts -of csv=p=0:nk=1 " + file));
  Times times;
  std::map<int, int64_t> first_pts;
  for (std::string line; std::getline(lines, line);) {
    std::ranges::replace(line, ',', ' ');
    std::istringstream fields(line);
    int stream = 0;
    int64_t pts = 0;
    int64_t dts = 0;
    fields >> stream >> pts >> dts;
    AddTime(times, stream + 1, pts, dts, first_pts);
  }
  return times;
}

TEST_P(RealMedia, DecodeAndPresentationTimesAreTheSources) {
  const Clip clip = MakeClip(folder() / "clip.mp4", "320x180", 3);
  Record(*shard_, clip, 0, ServerTimeFromMs(kNoonMs));
  WriteTree({.layout = GetParam()}, kNoonMs + 60'000);
  Times expected;
  std::map<int, int64_t> first_pts;
  for (const auto& [frame, data] : clip.frames) {
    AddTime(expected, static_cast<int>(frame.track), frame.dts + frame.cts_offset, frame.dts,
            first_pts);
  }
  EXPECT_EQ(ProbeTimes(Join(0)), expected);
}

TEST_P(RealMedia, AChangeOfResolutionBehindAHoleIsDecodedWithoutAnError) {
  const Clip small = MakeClip(folder() / "small.mp4", "320x180", 6);
  const Clip large = MakeClip(folder() / "large.mp4", "640x360", 6);
  Record(*shard_, small, 0, ServerTimeFromMs(kNoonMs));
  RecordHole(*shard_, ServerTimeFromMs(kNoonMs + 6000));
  Record(*shard_, large, 1, ServerTimeFromMs(kNoonMs + 306'000));
  WriteTree({.layout = GetParam()}, kNoonMs + 900'000);
  EXPECT_NE(playlist_.find("#EXT-X-DISCONTINUITY\n"), std::string::npos);
  KeepIfAsked(LayoutName(GetParam()));

  std::vector<ProbedPacket> expected = Probe(small.path);
  for (const ProbedPacket& packet : Probe(large.path)) expected.push_back(packet);
  std::ranges::stable_sort(expected, {}, &ProbedPacket::stream);
  const std::string playlist = (folder() / "index.m3u8").string();
  EXPECT_TRUE(Probe(playlist) == expected);
  // Run by run: ffmpeg 5.1 reads a playlist with the first init segment only.
  for (const int run : {0, 1}) {
    EXPECT_EQ(RunCommand("ffmpeg -v error -xerror -i " + Join(run) + " -map 0 -f null -"), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, RealMedia,
                         ::testing::Values(LayoutPolicy::kContiguous, LayoutPolicy::kVerbatim),
                         [](const auto& info) { return LayoutName(info.param); });

}  // namespace
}  // namespace penstock::playback
