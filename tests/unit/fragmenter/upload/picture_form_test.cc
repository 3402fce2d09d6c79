// Pictures of uploads, whatever their producers announce of them.
#include "fragmenter/upload/picture_form.h"

#include <gmock/gmock.h>

#include "fragmenter/codec/parameter_sets.h"
#include "fragmenter/ebml/ids.h"
#include "tests/testing/byte_stream.h"
#include "tests/testing/upload_body.h"

namespace penstock::fragmenter {
namespace {

using namespace penstock::testing;  // NOLINT: the tests' own words
using ::testing::HasSubstr;

const std::string kSlice = "\x65picture";
const std::string kOtherSps = "\x67\x42\xc0\x1e\xda\x05\x06\x7e\x5c";  // of level 3

std::string Sps() { return std::string(kSps); }
std::string Pps() { return std::string(kPps); }

// Fragments of a key frame each, behind a header with this private data.
std::vector<UploadFragment> Upload(std::string_view codec_private,
                                   const std::vector<std::string>& key_frames) {
  UploadBody body;
  body.Ebml().Open(ebml::kSegment).Info().Tracks("", "", codec_private);
  uint64_t time = 0;
  for (const std::string& frame : key_frames) body.Cluster(time += 1000).Frame(1, 0, true, frame);
  UploadParser parser({});
  std::vector<UploadEvent> events;
  EXPECT_FALSE(parser.Feed(AsBytes(body.text()), events));
  EXPECT_FALSE(parser.Finish(events));
  std::vector<UploadFragment> out;
  for (UploadEvent& event : events) {
    if (auto* fragment = std::get_if<UploadFragment>(&event)) out.push_back(std::move(*fragment));
  }
  EXPECT_EQ(out.size(), key_frames.size());
  return out;
}

const TrackConfig* PicturesOf(const UploadFragment& fragment) {
  const TrackSet& playable = fragment.header->playable;
  return playable.tracks.empty() ? nullptr : playable.tracks.data();
}

std::string BoxOf(const UploadFragment& fragment) {
  const TrackConfig* const track = PicturesOf(fragment);
  return track != nullptr ? std::string(track->codec_private.text()) : "none";
}

TEST(PictureForm, ParameterSetsBeforeAKeyFrameMakeTheAvcC) {
  const std::string key = InByteStream({"\x09\xf0", Sps(), Pps(), "\x06sei", kSlice, "\x65more"});
  const auto fragments = Upload("", {key});
  const TrackConfig* const track = PicturesOf(fragments[0]);
  ASSERT_NE(track, nullptr);
  EXPECT_EQ(BoxOf(fragments[0]), UploadBody::Avcc());
  EXPECT_TRUE(track->byte_stream);
  EXPECT_EQ(track->width, 320u);
  EXPECT_EQ(track->height, 184u);
  EXPECT_EQ(track->clock_rate, 90'000u);
  EXPECT_EQ(fragments[0].header->tracks[0].why_unplayable, "");
  EXPECT_EQ(fragments[0].body.Slice(fragments[0].blocks[0].offset, key.size()).Flatten().text(),
            key);
}

TEST(PictureForm, UntilParameterSetsComeItDoesNotPlayAndSaysSo) {
  const std::string without = InByteStream({kSlice});
  const std::string with = InByteStream({Sps(), Pps(), kSlice}, kShortStartCode);
  const auto fragments = Upload("", {without, with, without});
  EXPECT_EQ(PicturesOf(fragments[0]), nullptr);
  EXPECT_THAT(fragments[0].header->tracks[0].why_unplayable, HasSubstr("have not come yet"));
  EXPECT_EQ(BoxOf(fragments[1]), UploadBody::Avcc());
  EXPECT_EQ(fragments[2].header, fragments[1].header) << "they stay";
}

TEST(PictureForm, OnlyOtherParameterSetsAreAnotherConfiguration) {
  const std::string same = InByteStream({Sps(), Pps(), kSlice});
  const std::string part = InByteStream({Pps(), kSlice});
  const std::string other = InByteStream({kOtherSps, kSlice});
  const auto fragments = Upload("", {same, same, part, other, other, same});
  for (const int i : {1, 2}) EXPECT_EQ(fragments[i].header, fragments[0].header);
  // The PPS that did not come stays.
  const auto sets =
      ReadParameterSets(Codec::kH264, PicturesOf(fragments[3])->codec_private).value();
  ASSERT_EQ(sets.units.size(), 2u);
  EXPECT_EQ(AsText(sets.units[0]), kOtherSps);
  EXPECT_EQ(AsText(sets.units[1]), kPps);
  EXPECT_EQ(fragments[4].header, fragments[3].header);
  EXPECT_EQ(fragments[5].header->playable, fragments[0].header->playable);
}

TEST(PictureForm, PrivateDataMayBeAByteStreamItself) {
  const auto fragments = Upload(InByteStream({Sps(), Pps()}),
                                {InByteStream({kSlice}), InByteStream({Sps(), Pps(), kSlice})});
  for (const UploadFragment& fragment : fragments) {
    EXPECT_EQ(BoxOf(fragment), UploadBody::Avcc());
    EXPECT_TRUE(PicturesOf(fragment)->byte_stream);
  }
  EXPECT_EQ(fragments[0].header, fragments[1].header);
}

TEST(PictureForm, WhatIsThereDecidesNotWhatWasAnnounced) {
  // avcC, and start codes all the same.
  std::string two_bytes(UploadBody::Avcc());
  two_bytes[4] = '\xfd';
  for (const std::string& box : {std::string(UploadBody::Avcc()), two_bytes}) {
    const auto fragments = Upload(box, {InByteStream({Sps(), Pps(), kSlice}),
                                        InByteStream({kSlice}), InByteStream({kOtherSps, kSlice})});
    EXPECT_TRUE(PicturesOf(fragments[0])->byte_stream);
    EXPECT_EQ(BoxOf(fragments[0]), UploadBody::Avcc()) << "lengths that are made have four bytes";
    EXPECT_EQ(fragments[1].header, fragments[0].header);
    EXPECT_THAT(BoxOf(fragments[2]), HasSubstr(kOtherSps));
  }
  // A byte stream's parameter sets, or none, and lengths all the same.
  const auto announced = Upload(InByteStream({Sps(), Pps()}), {WithLengths({kSlice})});
  EXPECT_FALSE(PicturesOf(announced[0])->byte_stream);
  EXPECT_EQ(BoxOf(announced[0]), UploadBody::Avcc());
  const auto nothing = Upload("", {WithLengths({Sps(), Pps(), kSlice})});
  EXPECT_FALSE(PicturesOf(nothing[0])->byte_stream);
  EXPECT_EQ(BoxOf(nothing[0]), UploadBody::Avcc());
}

TEST(PictureForm, LengthsThatLookLikeStartCodesAreLengths) {
  const std::string sei = "\x06" + std::string(299, 's');  // 00 00 01 2c
  const std::string one_byte = "\x0a";                     // 00 00 00 01
  for (const std::string& unit : {sei, one_byte}) {
    // Beyond what is looked at of a frame otherwise, too.
    for (const size_t size : {10u, 200'000u}) {
      const std::string frame = WithLengths({unit, "\x65" + std::string(size, 'p')});
      const auto fragments = Upload(UploadBody::Avcc(), {frame});
      EXPECT_FALSE(PicturesOf(fragments[0])->byte_stream);
      EXPECT_EQ(BoxOf(fragments[0]), UploadBody::Avcc());
    }
  }
}

TEST(PictureForm, BadFramesChangeNothingThatIsKnown) {
  const std::string good = InByteStream({Sps(), Pps(), kSlice});
  const auto fragments = Upload("", {good, "no start code", InByteStream({"\x67z", kSlice}),
                                     InByteStream({std::string(70'000, '\x67')}), "", good});
  for (const UploadFragment& fragment : fragments) EXPECT_EQ(fragment.header, fragments[0].header);
}

TEST(PictureForm, AParameterSetThatMayGoOnIsNotTaken) {
  // The PPS ends beyond what is looked at.
  const std::string sei = "\x06" + std::string(64 * 1024 - 24, 's');
  const auto fragments = Upload("", {InByteStream({Sps(), sei, Pps(), kSlice})});
  EXPECT_EQ(PicturesOf(fragments[0]), nullptr);
}

TEST(PictureForm, ATrackSetSaysThatItsPicturesAreByteStreams) {
  const auto fragments = Upload("", {InByteStream({Sps(), Pps(), kSlice})});
  const TrackSet& playable = fragments[0].header->playable;
  const Bytes stored = EncodeTrackSet(playable);
  EXPECT_EQ(stored.span()[2], 7) << "H.264 as a byte stream";
  EXPECT_EQ(DecodeTrackSet(stored).value(), playable);
  TrackSet other = playable;
  other.tracks[0].byte_stream = false;
  EXPECT_FALSE(other == playable);
  other.tracks[0].codec = Codec::kH265;
  other.tracks[0].byte_stream = true;
  EXPECT_EQ(EncodeTrackSet(other).span()[2], 8);
  EXPECT_EQ(DecodeTrackSet(EncodeTrackSet(other)).value(), other);
}

}  // namespace
}  // namespace penstock::fragmenter
