// Images of real H.264 and H.265: the right picture, in the right form, whatever the bytes are.
#include "playback/images/make_images.h"

#include <random>

#include "tests/unit/playback/images/gray_film.h"

namespace penstock::playback {
namespace {

constexpr char kH264[] =
    "-c:v libx264 -preset veryfast -threads 1 -bf 3 -b_strategy 0 -g 25 -sc_threshold 0";
constexpr char kH265[] =
    "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params "
    "log-level=none:bframes=3:b-adapt=0:keyint=25:min-keyint=25:open-gop=0:pools=none:frame-"
    "threads=1";

class MakeImagesTest : public ::testing::Test {
 protected:
  GrayFilm Film(const std::string& encoder, int pictures = 50,
                const std::string& size = "320x180") {
    return MakeGrayFilm(folder() / "film.mp4", encoder, pictures, size);
  }
  static std::vector<size_t> PlacesAt(const GrayFilm& film, const FilmFragment& fragment,
                                      const std::vector<int>& ms) {
    const FrameChoice choice(film.track, fragment.table);
    std::vector<size_t> places;
    for (const int at : ms) places.push_back(choice.At(std::chrono::milliseconds(at)).value());
    return places;
  }
  const std::filesystem::path& folder() const { return temp_.path(); }

  testing::TempDir temp_;
  const ImageForm png_{.format = ImageFormat::kPng, .size = {}};
};

TEST_F(MakeImagesTest, AnImageIsThePictureThatWasShownThen) {
  for (const char* encoder : {kH264, kH265}) {
    SCOPED_TRACE(encoder);
    const GrayFilm film = Film(encoder);
    const FilmFragment fragment = AsFragment(film);
    const std::vector<int> times = {0, 39, 40, 79, 120, 330, 999, 1000, 1040, 1999, 5000};
    const std::vector<int> pictures = {0, 0, 1, 1, 3, 8, 24, 25, 26, 49, 49};
    std::vector<size_t> places = PlacesAt(film, fragment, times);
    std::vector<Result<Bytes>> alone;
    for (const size_t place : places) {
      auto one = MakeImages(film.track, fragment.table, fragment.cluster, {place}, {});
      alone.push_back(std::move(one.at(0)));
    }
    EXPECT_EQ(PictureNumbers(folder(), alone), pictures);
    std::map<size_t, int> number_of;
    for (size_t i = 0; i < places.size(); ++i) number_of[places[i]] = pictures[i];
    // All of them, in any order, decoded in one go.
    std::ranges::sort(places);
    places.erase(std::unique(places.begin(), places.end()), places.end());
    std::ranges::reverse(places);
    const auto together = MakeImages(film.track, fragment.table, fragment.cluster, places, png_);
    std::vector<int> expected;
    for (const size_t place : places) expected.push_back(number_of[place]);
    EXPECT_EQ(PictureNumbers(folder(), together), expected);
  }
}

TEST_F(MakeImagesTest, AnImageHasTheFormThatIsAskedFor) {
  const GrayFilm film = Film(kH264, 1);
  const FilmFragment fragment = AsFragment(film);
  const auto described = [&](ImageForm form) {
    const auto image = MakeImages(film.track, fragment.table, fragment.cluster, {0}, form);
    EXPECT_TRUE(image[0].ok()) << image[0].error().ToString();
    return DescribeImage(folder(), *image[0]);
  };
  const ImageForm jpeg;
  ImageForm form = jpeg;
  EXPECT_EQ(described(form), "mjpeg,320,180,yuvj420p");
  form.size = {100, 200};
  EXPECT_EQ(described(form), "mjpeg,100,200,yuvj420p");
  form.size = {1, 1};
  EXPECT_EQ(described(form), "mjpeg,1,1,yuvj420p");
  form.size = {3840, 2160};
  EXPECT_EQ(described(form), "mjpeg,3840,2160,yuvj420p");
  form = png_;
  EXPECT_EQ(described(form), "png,320,180,rgb24");
  form.size = {0, 90};
  EXPECT_EQ(described(form), "png,160,90,rgb24");
}

TEST_F(MakeImagesTest, BetterQualityTakesMoreBytes) {
  const Clip clip = MakeClip(folder() / "test.mp4", "640x360", 1);
  FragmentBuilder builder;
  for (const ClipFrame& frame : clip.frames) builder.Add(frame.frame, AsBytes(frame.data));
  const ByteChain cluster = builder.Finish();
  size_t before = 0;
  for (const int quality : {1, 30, 60, 80, 90, 100}) {
    const ImageForm form{.jpeg_quality = quality, .size = {}};
    const auto image = MakeImages(clip.tracks.tracks[0], builder.table, cluster, {0}, form);
    ASSERT_TRUE(image[0].ok()) << image[0].error().ToString();
    EXPECT_GT(image[0]->size(), before) << quality;
    before = image[0]->size();
  }
}

TEST_F(MakeImagesTest, ColoursAreThoseOfTheFilm) {
  for (const char* size : {"320x180", "1280x720"}) {
    const bool large = size[0] == '1';
    const std::string matrix = large ? "bt709" : "bt601";
    RunCommand("ffmpeg -v error -y -f lavfi -i color=0xC83200:size=" + std::string(size) +
               " -frames:v 1 -vf scale=out_color_matrix=" + matrix +
               ":flags=accurate_rnd,format=yuv420p -c:v libx264 -qp 4 " +
               (folder() / "red.mp4").string());
    const std::string file = ReadFile(folder() / "red.mp4");
    std::istringstream line(
        RunCommand("ffprobe -v error -show_entries packet=size,pos -of "
                   "default=nk=1:nw=1 " +
                   (folder() / "red.mp4").string()));
    size_t bytes = 0, at = 0;
    line >> bytes >> at;
    fragmenter::TrackConfig track = AvcTrack(1);
    track.codec_private = FindBox(file, "avcC");
    FragmentBuilder builder;
    builder.Add(fragmenter::Frame{.track = 1, .key = true}, file.substr(at, bytes));
    const ByteChain cluster = builder.Finish();
    for (const ImageFormat format : {ImageFormat::kJpeg, ImageFormat::kPng}) {
      const ImageForm form{.format = format, .jpeg_quality = 95, .size = {}};
      const auto image = MakeImages(track, builder.table, cluster, {0}, form);
      ASSERT_TRUE(image[0].ok()) << image[0].error().ToString();
      const Rgb colour = MiddleOf(folder(), *image[0]);
      EXPECT_NEAR(colour.red, 0xC8, 5) << size;
      EXPECT_NEAR(colour.green, 0x32, 5) << size;
      EXPECT_NEAR(colour.blue, 0, 5) << size;
    }
  }
}

TEST_F(MakeImagesTest, WhatCannotBeDecodedIsAnErrorOfWhatNeedsIt) {
  const GrayFilm film =
      Film("-c:v libx264 -preset veryfast -threads 1 -bf 0 -g 25 -sc_threshold 0");
  FragmentBuilder builder;
  for (size_t i = 0; i < film.frames.size(); ++i) {
    // The tenth picture is garbage.
    builder.Add(film.frames[i].frame,
                i == 10 ? std::string("\0\0\0\x05garbage", 11) : film.frames[i].data);
  }
  const ByteChain cluster = builder.Finish();
  const auto images = MakeImages(film.track, builder.table, cluster, {5, 10, 20, 30}, {});
  EXPECT_EQ(PictureNumbers(folder(), {images[0]}), (std::vector<int>{5}));
  EXPECT_EQ(images[1].error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(images[2].error().code(), ErrorCode::kCorruption);
  // A key frame is before this one.
  EXPECT_EQ(PictureNumbers(folder(), {images[3]}), (std::vector<int>{30}));
}

TEST_F(MakeImagesTest, AFragmentWithoutAKeyFrameHasNoImages) {
  const GrayFilm film = Film(kH264, 20);
  FragmentBuilder builder;
  for (size_t i = 5; i < film.frames.size(); ++i)
    builder.Add(film.frames[i].frame, AsBytes(film.frames[i].data));
  const ByteChain cluster = builder.Finish();
  const auto images = MakeImages(film.track, builder.table, cluster, {0, 3}, {});
  EXPECT_EQ(images[0].error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(images[1].error().code(), ErrorCode::kUnsupported);
}

TEST_F(MakeImagesTest, APictureThatIsTooLargeIsRefused) {
  const GrayFilm film = Film("-c:v libx264 -preset ultrafast -threads 1", 1, "4112x4112");
  const FilmFragment fragment = AsFragment(film);
  const auto images = MakeImages(film.track, fragment.table, fragment.cluster, {0}, {});
  EXPECT_EQ(images[0].error().code(), ErrorCode::kCorruption);
}

TEST_F(MakeImagesTest, NoBytesDoHarm) {
  const uint32_t seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const char* encoder : {kH264, kH265}) {
    const GrayFilm film = Film(encoder, 10, "64x48");
    for (int round = 0; round < 60; ++round) {
      GrayFilm broken = film;
      std::string config(broken.track.codec_private.text());
      for (int flips = 0; flips < 4; ++flips) {
        std::string& data = broken.frames[random() % broken.frames.size()].data;
        data[random() % data.size()] ^= static_cast<char>(1u << random() % 8);
        if (round % 2 == 0)
          config[random() % config.size()] ^= static_cast<char>(1u << random() % 8);
      }
      broken.track.codec_private = Bytes::Copy(config);
      const FilmFragment fragment = AsFragment(broken);
      for (const auto& image :
           MakeImages(broken.track, fragment.table, fragment.cluster, {0, 4, 9}, {})) {
        EXPECT_TRUE(!image.ok() || !image->empty());
      }
    }
  }
}

}  // namespace
}  // namespace penstock::playback
