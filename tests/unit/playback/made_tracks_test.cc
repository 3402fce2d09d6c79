// Pictures that are stored as byte streams, in every form that players get.
#include "playback/made_tracks.h"

#include "fragmenter/codec/parameter_sets.h"
#include "playback/hls/damaged_fragments.h"
#include "playback/images/make_images.h"
#include "playback/mp4/clip.h"
#include "playback/mp4/mp4_file.h"
#include "playback/ts/transport_segment.h"
#include "tests/testing/byte_stream.h"
#include "tests/unit/playback/hls/hls_service_fixture.h"
#include "tests/unit/playback/images/gray_film.h"

namespace penstock::playback {
namespace {

using namespace penstock::testing;  // NOLINT: the tests' own words
using fragmenter::TrackSet;

const std::vector<std::string> kKeyUnits = {"\x09\xf0", "\x65" + std::string(700, 'k'), "\x65more"};
const std::vector<std::string> kNextUnits = {"\x41next"};

TrackSet Stored() {
  TrackSet set{{AvcTrack(1), AacTrack(2)}};
  set.tracks[0].byte_stream = true;
  return set;
}

// The same pictures and sound, as a byte stream or as players want them.
FragmentBuilder Fragment(bool byte_stream, int64_t seconds = 0) {
  const auto frame = [&](const std::vector<std::string>& units) {
    return byte_stream ? InByteStream(units, kShortStartCode) + std::string(2, '\0')
                       : WithLengths(units);
  };
  FragmentBuilder builder;
  const int64_t video = seconds * 90'000;
  builder.Add({.track = 1, .key = true, .dts = video, .cts_offset = 3600, .duration = 3600},
              frame(kKeyUnits));
  builder.Add({.track = 2, .key = true, .dts = seconds * 48'000, .duration = 1024}, "SOUND");
  builder.Add({.track = 1, .key = false, .dts = video + 3600, .duration = 3600}, frame(kNextUnits));
  return builder;
}

StoredMedia Media(bool byte_stream, int64_t seconds = 0) {
  FragmentBuilder builder = Fragment(byte_stream, seconds);
  return {builder.table, builder.Finish()};
}

TEST(MadeTracks, TakeThePlaceOfByteStreamsFrameByFrame) {
  const StoredMedia media = Media(true);
  const auto made = MakeTracks(Stored(), std::nullopt, media).value();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].track, 1u);
  EXPECT_EQ(made[0].bytes.Flatten().text(), WithLengths(kKeyUnits) + WithLengths(kNextUnits));
  ASSERT_EQ(made[0].frames.size(), 2u);
  EXPECT_EQ(made[0].frames[1].offset, WithLengths(kKeyUnits).size());
  EXPECT_EQ(made[0].frames[1].size, WithLengths(kNextUnits).size());
  EXPECT_EQ(made[0].frames[0].cts_offset, 3600);
  EXPECT_EQ(made[0].frames[1].dts, 3600);
  EXPECT_TRUE(IsServedAsStored(ServedTracks(Stored())));
  EXPECT_FALSE(IsServedAsStored(Stored()));
  EXPECT_TRUE(MakeTracks(ServedTracks(Stored()), std::nullopt, media).value().empty());
}

TEST(MadeTracks, AFrameThatIsNoByteStreamIsDamageAndAnEmptyOneIsNot) {
  const auto code = [](std::string_view frame) {
    FragmentBuilder builder = Fragment(true);
    builder.Add({.track = 1, .dts = 7200, .duration = 3600}, frame);
    return MakeTracks(Stored(), std::nullopt, {builder.table, builder.Finish()});
  };
  EXPECT_EQ(code("picture").error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(code(WithLengths({"\x41p"})).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(code("").value()[0].frames[2].size, 0u);
  StoredMedia cut = Media(true);
  cut.cluster = cut.cluster.Slice(0, cut.cluster.size() - 1);
  EXPECT_EQ(MakeTracks(Stored(), std::nullopt, cut).error().code(), ErrorCode::kCorruption);
}

// The bytes behind the last box head of this type.
std::string Behind(const Bytes& file, std::string_view type) {
  const std::string_view text = file.text();
  return std::string(text.substr(text.rfind(type) + 4));
}

TEST(MadeTracks, AnMp4HasThePicturesWithLengthsBehindTheSound) {
  const Bytes made = MakeMp4Fragment(Stored(), std::nullopt, Media(true), 0, 1).value().Flatten();
  EXPECT_EQ(Behind(made, "mdat"), "SOUND" + WithLengths(kKeyUnits) + WithLengths(kNextUnits));
  EXPECT_EQ(MakeMp4Header(Stored()).value().text(),
            MakeMp4Header(ServedTracks(Stored())).value().text());
}

TEST(MadeTracks, ATransportSegmentIsThatOfPicturesWithLengths) {
  const StoredMedia stored = Media(true);
  const auto made = MakeTracks(Stored(), std::nullopt, stored).value();
  const TrackSet served = ServedTracks(Stored());
  const StoredMedia plain = Media(false);
  EXPECT_EQ(MakeTransportSegment(served, stored.table, stored.cluster, made).value().text(),
            MakeTransportSegment(served, plain.table, plain.cluster).value().text());
}

TEST(MadeTracks, AClipKeepsOnlyTheSizesOfWhatIsMadeAgain) {
  const TrackSet stored = Stored();
  ClipWriter remade(ServedTracks(stored));
  ClipWriter kept(ServedTracks(stored));
  std::string body;
  for (int i = 0; i < 2; ++i) {
    const StoredMedia media = Media(true, i);
    const auto made = PrefixByteStreams(stored, media).value();
    ASSERT_TRUE(remade.Add(media.table, media.cluster.size(), 0, {}, made).ok());
    ASSERT_TRUE(kept.Add(media.table, media.cluster.size(), 0, made).ok());
    EXPECT_TRUE(remade.Made(i).empty());
    EXPECT_EQ(remade.Body(i), kept.Body(i));
    EXPECT_EQ(kept.Made(i).Flatten().text(), made[0].bytes.Flatten().text());
  }
  EXPECT_EQ(remade.body_bytes(), kept.body_bytes());
  EXPECT_EQ(remade.Head().value().text(), kept.Head().value().text());
}

class ByteStreamService : public HlsServiceTest {
 protected:
  void SetUp() override {
    shard_->track_sets[1] = {.id = 1, .meta = fragmenter::EncodeTrackSet(Stored())};
  }
  void Add(bool byte_stream) {
    FragmentBuilder builder = Fragment(byte_stream, 0);
    FakeShard::Item item;
    item.meta = builder.table.Encode();
    item.body = builder.Finish();
    item.header.duration = milliseconds(2000);
    item.header.server_time =
        ServerTimeFromMs(kNoonMs + static_cast<int64_t>(shard_->items.size()) * 2000);
    item.header.track_set = 1;
    item.header.run = 1;
    shard_->Add(std::move(item));
  }
};

TEST_F(ByteStreamService, BothLayoutsAreTheSamePicturesAndASegmentIsCached) {
  Add(true);
  const std::string body = "SOUND" + WithLengths(kKeyUnits) + WithLengths(kNextUnits);
  for (const Layout layout : {Layout::kContiguous, Layout::kVerbatim}) {
    const Resource resource = Get(SegmentName(0, layout)).value();
    const std::string text = Text(resource);
    EXPECT_TRUE(text.ends_with(WithLengths(kKeyUnits) + WithLengths(kNextUnits)));
    if (layout == Layout::kContiguous) {
      EXPECT_TRUE(text.ends_with(body));
    }
    EXPECT_TRUE(resource.immutable);
    const int opens = shard_->opens;
    EXPECT_EQ(Text(Get(SegmentName(0, layout)).value()), text);
    EXPECT_EQ(shard_->opens, opens);
  }
  EXPECT_TRUE(Get(InitName()).ok());
}

TEST_F(ByteStreamService, AFrameWithoutStartCodesIsAGapFromThenOn) {
  Add(true);
  Add(false);
  EXPECT_TRUE(Get(SegmentName(0)).ok());
  ExpectError(Get(SegmentName(1)), ErrorCode::kNotFound, "damaged");
  EXPECT_EQ(service_.damaged().Count(shard_->id()), 1u);
  EXPECT_TRUE(Get(SegmentName(0)).ok());
}

class ByteStreamFilm : public ::testing::Test {
 protected:
  // The same film as its encoder would have sent it: parameter sets first, then the pictures.
  static GrayFilm AsByteStream(GrayFilm film) {
    const auto sets =
        fragmenter::ReadParameterSets(film.track.codec, film.track.codec_private).value();
    for (ClipFrame& frame : film.frames) {
      std::vector<std::string> units;
      if (frame.frame.key) {
        for (const ByteSpan set : sets.units) units.emplace_back(AsText(set));
      }
      ByteReader in(AsBytes(frame.data));
      while (in.left() > 0) units.emplace_back(AsText(in.Raw(in.Be<uint32_t>())));
      frame.data = InByteStream(units);
    }
    film.track.codec_private = fragmenter::MakeConfigBox(film.track.codec, sets.units).value();
    film.track.byte_stream = true;
    return film;
  }
  testing::TempDir temp_;
};

TEST_F(ByteStreamFilm, ImagesAreThePicturesThatWereShown) {
  for (const char* encoder : {"-c:v libx264 -preset veryfast -threads 1 -bf 3 -g 25",
                              "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params "
                              "log-level=none:keyint=25:pools=none:frame-threads=1"}) {
    SCOPED_TRACE(encoder);
    const GrayFilm plain = MakeGrayFilm(temp_.path() / "film.mp4", encoder);
    const GrayFilm film = AsByteStream(plain);
    // What ffmpeg wrote; not how many layers are decoded in parallel, and no SEI.
    const ByteSpan made = film.track.codec_private;
    const ByteSpan theirs = plain.track.codec_private;
    if (film.track.codec == fragmenter::Codec::kH264) {
      EXPECT_EQ(ToHex(made), ToHex(theirs));
    } else {
      EXPECT_EQ(ToHex(made.first(13)), ToHex(theirs.first(13)));
      EXPECT_EQ(ToHex(made.subspan(16, 6)), ToHex(theirs.subspan(16, 6)));
      EXPECT_EQ(film.track.CodecString(), plain.track.CodecString());
    }
    const FilmFragment fragment = AsFragment(film);
    const FrameChoice choice(film.track, fragment.table);
    std::vector<size_t> places;
    for (const int ms : {0, 330, 1000, 1999})
      places.push_back(choice.At(std::chrono::milliseconds(ms)).value());
    const auto images = MakeImages(film.track, fragment.table, fragment.cluster, places, {});
    EXPECT_EQ(PictureNumbers(temp_.path(), images), (std::vector<int>{0, 8, 25, 49}));
  }
}

}  // namespace
}  // namespace penstock::playback
