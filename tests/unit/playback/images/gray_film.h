// Films whose pictures tell which one they are by their brightness, as ffmpeg encodes them, and
// what becomes of them as images.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/playback/real_media.h"

namespace penstock::playback {

// 25 pictures a second; picture n has the brightness 16 + 4 * n of 235.
struct GrayFilm {
  static constexpr int kStep = 4;
  fragmenter::TrackConfig track;
  std::vector<ClipFrame> frames;
};

inline GrayFilm MakeGrayFilm(const std::filesystem::path& path, const std::string& encoder,
                             int pictures = 50, const std::string& size = "320x180") {
  RunCommand("ffmpeg -v error -y -f lavfi -i \"color=gray:size=" + size +
             ":rate=25,geq=lum='16+4*N':cb=128:cr=128\" -frames:v " + std::to_string(pictures) +
             " -pix_fmt yuv420p " + encoder + " -use_editlist 0 " + path.string());
  const std::string file = ReadFile(path);
  GrayFilm film;
  std::istringstream lines(RunCommand(
      "ffprobe -v error -show_entries packet=pts,dts,duration,size,pos,flags -of csv=p=0:nk=1 " +
      path.string()));
  for (std::string line; std::getline(lines, line);) {
    std::ranges::replace(line, ',', ' ');
    std::istringstream fields(line);
    int64_t pts, dts, duration, bytes, at;
    std::string flags;
    fields >> pts >> dts >> duration >> bytes >> at >> flags;
    ClipFrame out;
    out.frame.track = 1;
    out.frame.key = flags[0] == 'K';
    out.frame.dts = dts;
    out.frame.cts_offset = static_cast<int32_t>(pts - dts);
    out.frame.duration = static_cast<uint32_t>(duration);
    out.data = file.substr(static_cast<size_t>(at), static_cast<size_t>(bytes));
    film.frames.push_back(std::move(out));
  }
  const bool h265 = encoder.find("265") != std::string::npos;
  film.track = AvcTrack(1);
  film.track.codec = h265 ? fragmenter::Codec::kH265 : fragmenter::Codec::kH264;
  film.track.codec_private = FindBox(file, h265 ? "hvcC" : "avcC");
  const Bytes mdhd = FindBox(file, "mdhd");
  film.track.clock_rate = ByteReader(ByteSpan(mdhd).subspan(12)).Be<uint32_t>();
  return film;
}

// All of a film as one fragment.
struct FilmFragment {
  fragmenter::FrameTable table;
  ByteChain cluster;
};
inline FilmFragment AsFragment(const GrayFilm& film) {
  FragmentBuilder builder;
  for (const ClipFrame& frame : film.frames) builder.Add(frame.frame, AsBytes(frame.data));
  return {builder.table, builder.Finish()};
}

// Puts it into a shard, from `start` on.
inline store::ItemRef RecordFilm(FakeShard& shard, const GrayFilm& film, ServerTime start) {
  const FilmFragment fragment = AsFragment(film);
  const fragmenter::TrackSet tracks{{film.track}};
  const store::TrackSetId set_id = shard.items.size() + 1;
  shard.track_sets[set_id] = {.id = set_id, .meta = fragmenter::EncodeTrackSet(tracks)};
  FakeShard::Item item;
  item.meta = fragment.table.Encode();
  item.body = fragment.cluster;
  item.header.server_time = start;
  item.header.duration = std::chrono::milliseconds(40 * film.frames.size());
  item.header.track_set = set_id;
  return {shard.id(), shard.Add(std::move(item))};
}

inline std::filesystem::path WriteImage(const std::filesystem::path& folder, const Bytes& image) {
  std::filesystem::path path = folder / "image";
  WriteFile(path, ByteChain(image));
  return path;
}

// "mjpeg,320,180,yuvj420p"
inline std::string DescribeImage(const std::filesystem::path& folder, const Bytes& image) {
  std::string text = RunCommand(
      "ffprobe -v error -show_entries stream=codec_name,width,height,pix_fmt -of csv=p=0 " +
      WriteImage(folder, image).string());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// The colour in the image's middle.
struct Rgb {
  int red = 0;
  int green = 0;
  int blue = 0;
};
inline Rgb MiddleOf(const std::filesystem::path& folder, const Bytes& image) {
  const std::string path = WriteImage(folder, image).string();
  RunCommand("ffmpeg -v error -y -i " + path + " -vf \"crop=2:2,format=rgb24\" -f rawvideo " +
             path + ".rgb");
  const std::string pixels = ReadFile(path + ".rgb");
  EXPECT_EQ(pixels.size(), 12u);
  const auto at = [&](size_t i) { return static_cast<uint8_t>(pixels.at(i)); };
  return {at(0), at(1), at(2)};
}

// Which pictures of a gray film they are; all JPEG or all PNG.
inline std::vector<int> PictureNumbers(const std::filesystem::path& folder,
                                       const std::vector<Result<Bytes>>& images) {
  ByteChain all;
  for (const Result<Bytes>& image : images) {
    EXPECT_TRUE(image.ok()) << image.error().ToString();
    if (image.ok()) all.Append(*image);
  }
  const std::filesystem::path path = folder / "images";
  WriteFile(path, all);
  const std::string form = all.Slice(1, 3).Flatten().text() == "PNG" ? "png" : "jpeg";
  RunCommand("ffmpeg -v error -y -f " + form + "_pipe -i " + path.string() +
             " -vf crop=2:2,scale=1:1,format=gray -f rawvideo " + path.string() + ".gray");
  std::vector<int> numbers;
  for (const char pixel : ReadFile(path.string() + ".gray")) {
    const double brightness = static_cast<uint8_t>(pixel) * 219.0 / 255.0;
    numbers.push_back(static_cast<int>(brightness / GrayFilm::kStep + 0.5));
  }
  return numbers;
}

}  // namespace penstock::playback
