// Clips that ffmpeg encoded, cut into fragments as recording does, and what ffprobe says of the
// result.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/playback/fake_store.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {

inline std::string RunCommand(const std::string& command) {
  std::string out;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (pipe != nullptr) {
    const size_t got = fread(buffer.data(), 1, buffer.size(), pipe);
    if (got == 0) break;
    out.append(buffer.data(), got);
  }
  EXPECT_EQ(pipe == nullptr ? -1 : pclose(pipe), 0) << command << "\n" << out;
  return out;
}

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteFile(const std::filesystem::path& path, const ByteChain& bytes) {
  std::ofstream out(path, std::ios::binary);
  for (const Bytes& piece : bytes.pieces()) out << piece.text();
  ASSERT_TRUE(out.good()) << path;
}

// A packet as ffprobe sees it; times in seconds, so that containers with other time bases compare.
struct ProbedPacket {
  int stream = 0;
  std::string size;
  std::string hash;
  friend auto operator<=>(const ProbedPacket&, const ProbedPacket&) = default;
};

// Sorted by stream; within one in order of decoding.
inline std::vector<ProbedPacket> Probe(const std::string& input) {
  std::istringstream lines(
      RunCommand("ffprobe -v error -allowed_extensions ALL -show_data_hash md5 -show_entries "
                 "packet=stream_index,size,data_hash -of csv=p=0:nk=1 " +
                 input));
  std::vector<ProbedPacket> packets;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    std::ranges::replace(line, ',', ' ');
    std::istringstream fields(line);
    ProbedPacket packet;
    fields >> packet.stream >> packet.size >> packet.hash;
    packets.push_back(packet);
  }
  std::ranges::stable_sort(packets, {}, &ProbedPacket::stream);
  return packets;
}

struct ClipFrame {
  fragmenter::Frame frame;  // offset and size unset
  std::string data;
};

struct Clip {
  fragmenter::TrackSet tracks;
  std::vector<ClipFrame> frames;  // by decode time
  std::string path;
};

// The content of the first box of a type, wherever it is.
inline Bytes FindBox(const std::string& file, const std::string& type) {
  const size_t at = file.find(type);
  EXPECT_NE(at, std::string::npos) << type;
  const uint32_t size = ByteReader(AsBytes(file).subspan(at - 4)).Be<uint32_t>();
  return Bytes::Copy(file.substr(at + 4, size - 8));
}

// Encodes `seconds` of test picture (H.264 with B-frames, key frame every second) and tone (AAC).
// The options may choose H.265.
inline Clip MakeClip(const std::filesystem::path& path, const std::string& size, int seconds,
                     const std::string& video_options = "-bf 2 -b:v 300k") {
  RunCommand("ffmpeg -v error -y -f lavfi -i testsrc2=size=" + size +
             ":rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 -t " +
             std::to_string(seconds) +
             " -pix_fmt yuv420p -c:v libx264 -preset veryfast -profile:v main -g 25 -keyint_min 25"
             " -sc_threshold 0 -threads 1 " +
             video_options + " -c:a aac -b:a 64k -ac 2 -use_editlist 0 " + path.string());
  const std::string file = ReadFile(path);
  Clip clip;
  clip.path = path.string();
  std::istringstream lines(RunCommand(
      "ffprobe -v error -show_entries packet=stream_index,pts,dts,duration,size,pos,flags "
      "-of csv=p=0:nk=1 " +
      clip.path));
  int32_t earliest = INT32_MAX;
  for (std::string line; std::getline(lines, line);) {
    std::ranges::replace(line, ',', ' ');
    std::istringstream fields(line);
    int64_t stream, pts, dts, duration, bytes, at;
    std::string flags;
    fields >> stream >> pts >> dts >> duration >> bytes >> at >> flags;
    ClipFrame out;
    out.frame.track = static_cast<uint32_t>(stream + 1);
    out.frame.key = flags[0] == 'K';
    out.frame.dts = dts;
    out.frame.cts_offset = static_cast<int32_t>(pts - dts);
    out.frame.duration = static_cast<uint32_t>(duration);
    out.data = file.substr(static_cast<size_t>(at), static_cast<size_t>(bytes));
    if (stream == 0) earliest = std::min(earliest, static_cast<int32_t>(pts));
    clip.frames.push_back(std::move(out));
  }
  // All tracks start together: the first picture is shown at 0, as recording does it.
  for (ClipFrame& frame : clip.frames) {
    if (frame.frame.track == 1) frame.frame.cts_offset -= earliest;
  }
  fragmenter::TrackConfig video = AvcTrack(1);
  const bool h265 = file.find("hvcC") != std::string::npos;
  if (h265) video.codec = fragmenter::Codec::kH265;
  video.codec_private = FindBox(file, h265 ? "hvcC" : "avcC");
  const Bytes mdhd = FindBox(file, "mdhd");
  video.clock_rate = ByteReader(ByteSpan(mdhd).subspan(12)).Be<uint32_t>();
  video.width = static_cast<uint32_t>(std::stoi(size));
  video.height = static_cast<uint32_t>(std::stoi(size.substr(size.find('x') + 1)));
  clip.tracks.tracks = {video, AacTrack(2)};
  return clip;
}

// Records the clip as one run: a fragment from key frame to key frame, received from `start` on.
inline void Record(FakeShard& shard, const Clip& clip, uint64_t discontinuity, ServerTime start) {
  const store::TrackSetId set_id = shard.first + shard.items.size() + 1;
  shard.track_sets[set_id] = {.id = set_id,
                              .body = fragmenter::EncodeMkvHeader(clip.tracks),
                              .meta = fragmenter::EncodeTrackSet(clip.tracks)};
  const double video_rate = clip.tracks.tracks[0].clock_rate;
  const auto seconds = [&](const fragmenter::Frame& frame) {
    return static_cast<double>(frame.dts) / (frame.track == 1 ? video_rate : 48'000.0);
  };
  std::vector<double> cuts;
  for (const ClipFrame& frame : clip.frames) {
    if (frame.frame.track == 1 && frame.frame.key) cuts.push_back(seconds(frame.frame));
  }
  for (size_t i = 0; i < cuts.size(); ++i) {
    const bool last = i + 1 == cuts.size();
    const auto cluster_ms = ToMs(start) + static_cast<int64_t>(cuts[i] * 1000);
    FragmentBuilder fragment(static_cast<uint64_t>(cluster_ms));
    double end = 0;
    for (const ClipFrame& frame : clip.frames) {
      const double at = seconds(frame.frame);
      if (at < cuts[i] || (!last && at >= cuts[i + 1])) continue;
      const double rate = frame.frame.track == 1 ? video_rate : 48'000.0;
      const double shown = at + frame.frame.cts_offset / rate;
      fragment.Add(frame.frame, AsBytes(frame.data),
                   static_cast<int64_t>((shown - cuts[i]) * 1000 + 0.5));
      end = std::max(end, at + frame.frame.duration / rate);
    }
    FakeShard::Item item;
    item.meta = fragment.table.Encode();
    item.body = fragment.Finish();
    item.header.body_bytes = static_cast<uint32_t>(item.body.size());
    item.header.server_time = ServerTimeFromMs(cluster_ms);
    item.header.duration = std::chrono::microseconds(
        static_cast<int64_t>(((last ? end : cuts[i + 1]) - cuts[i]) * 1e6));
    item.header.track_set = set_id;
    item.header.run = set_id;
    item.header.discontinuity_ordinal = discontinuity;
    shard.Add(std::move(item));
  }
}

inline void RecordHole(FakeShard& shard, ServerTime start) {
  FakeShard::Item item;
  item.header.kind = store::ItemKind::kGap;
  item.header.server_time = start;
  item.header.discontinuity_ordinal = shard.items.back().header.discontinuity_ordinal;
  item.header.duration = std::chrono::minutes(5);
  shard.Add(std::move(item));
}

// A stream to record into, and a folder for what comes of it.
class RecordedMedia : public ::testing::Test {
 protected:
  static constexpr int64_t kNoonMs = 1'768'478'400'000;

  const std::filesystem::path& folder() const { return temp_.path(); }

  testing::TempDir temp_;
  FakeStore store_;
  std::shared_ptr<FakeShard> shard_ = store_.AddStream("cam1");
  SimulatedClock clock_{ServerTimeFromMs(kNoonMs + 86'400'000)};
};

}  // namespace penstock::playback
