#include "playback/mp4/clip.h"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {
namespace {

using fragmenter::TrackSet;
using testing::ElementsAre;

TrackSet AvcAndAac() {
  TrackSet set;
  set.tracks = {AvcTrack(1), AacTrack(2)};
  return set;
}

// A picture shown after the one behind it, and two units of sound, the first 10 ms after the
// picture.
FragmentBuilder Fragment(int64_t seconds) {
  FragmentBuilder fragment;
  const int64_t video = seconds * 90'000;
  const int64_t audio = seconds * 48'000 + 480;
  fragment
      .Add({.track = 1, .key = true, .dts = video, .cts_offset = 3600, .duration = 3600},
           "KEYFRAME")
      .Add({.track = 2, .key = true, .dts = audio, .duration = 1024}, "SOUND")
      .Add({.track = 1, .key = false, .dts = video + 3600, .cts_offset = -3600, .duration = 3600},
           "BACK")
      .Add({.track = 2, .key = true, .dts = audio + 1024, .duration = 1024}, "MORE");
  return fragment;
}

// The 32-bit words of the n-th box of this type, behind version and flags.
std::vector<uint32_t> Words(ByteSpan file, std::string_view type, int n = 0) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  size_t at = text.find(type);
  for (; n > 0; --n) at = text.find(type, at + 4);
  if (at == std::string_view::npos) return {};
  ByteReader size(file.subspan(at - 4));
  const auto bytes = size.Be<uint32_t>();
  std::vector<uint32_t> words;
  ByteReader reader(file.subspan(at + 8, bytes - 12));
  for (size_t i = 0; i < (bytes - 12) / 4; ++i) words.push_back(reader.Be<uint32_t>());
  return words;
}

class ClipTest : public testing::Test {
 protected:
  void Add(int64_t seconds, int64_t shift_ms) {
    FragmentBuilder builder = Fragment(seconds);
    clusters_.push_back(builder.Finish());
    ASSERT_TRUE(clip_.Add(builder.table, clusters_.back().size(), shift_ms, {}).ok());
  }
  std::string File() const {
    const Bytes head = clip_.Head().value();
    std::string file(head.text());
    for (size_t i = 0; i < clusters_.size(); ++i) {
      for (const BodyRange& range : clip_.Body(i))
        file += clusters_[i].Slice(range.offset, range.size).Flatten().text();
      file += clip_.Made(i).Flatten().text();
    }
    return file;
  }

  ClipWriter clip_{AvcAndAac()};
  std::vector<ByteChain> clusters_;
};

TEST_F(ClipTest, SamplesLieWhereTheTablesSay) {
  Add(7, -7000);
  Add(8, -7000);
  const std::string file = File();
  const ByteSpan bytes = AsBytes(file);
  EXPECT_EQ(file.size(), clip_.Head().value().size() + clip_.body_bytes());
  // 64-bit offsets: high, low. A chunk for each track and fragment.
  const std::vector<uint32_t> video = Words(bytes, "co64", 0);
  const std::vector<uint32_t> audio = Words(bytes, "co64", 1);
  ASSERT_EQ(video.size(), 5u);
  ASSERT_EQ(audio.size(), 5u);
  EXPECT_EQ(file.substr(video[2], 12), "KEYFRAMEBACK");
  EXPECT_EQ(file.substr(video[4], 12), "KEYFRAMEBACK");
  EXPECT_EQ(file.substr(audio[2], 9), "SOUNDMORE");
  EXPECT_EQ(file.substr(audio[4], 9), "SOUNDMORE");
  EXPECT_THAT(Words(bytes, "stsc"), ElementsAre(1, 1, 2, 1));
  EXPECT_THAT(Words(bytes, "stsz", 0), ElementsAre(0, 4, 8, 4, 8, 4));
  EXPECT_THAT(Words(bytes, "stss"), ElementsAre(2, 1, 3));
}

TEST_F(ClipTest, TimesAreTheRunsAndNothingIsShownBeforeItIsDecoded) {
  Add(7, -7000);
  Add(8, -6500);  // half a second is missing between the two
  const std::string file = File();
  const ByteSpan bytes = AsBytes(file);
  EXPECT_THAT(Words(bytes, "stts", 0), ElementsAre(3, 1, 3600, 1, 131'400, 2, 3600));
  // Composition offsets of 3600 and -3600, after all are decoded 3600 earlier.
  EXPECT_THAT(Words(bytes, "ctts"), ElementsAre(4, 1, 7200, 1, 0, 1, 7200, 1, 0));
  // The pictures begin at once, the sound waits for 10 ms.
  EXPECT_THAT(Words(bytes, "elst", 0), ElementsAre(1, 1580, 3600, 0x10000));
  EXPECT_THAT(Words(bytes, "elst", 1), ElementsAre(2, 10, 0xffffffff, 0x10000, 1542, 0, 0x10000));
}

TEST_F(ClipTest, WhatIsMadeFollowsWhatIsStored) {
  FragmentBuilder builder = Fragment(0);
  clusters_.push_back(builder.Finish());
  MadeTrack made{.track = 2, .frames = {}, .bytes = ByteChain(Bytes::Copy("onetwo"))};
  made.frames.push_back(
      {.track = 2, .key = true, .offset = 0, .size = 3, .dts = 0, .duration = 1024});
  made.frames.push_back(
      {.track = 2, .key = true, .offset = 3, .size = 3, .dts = 1024, .duration = 1024});
  ASSERT_TRUE(clip_.Add(builder.table, clusters_.back().size(), 0, {made}).ok());
  const std::string file = File();
  EXPECT_EQ(file.substr(file.size() - 18), "KEYFRAMEBACKonetwo");
  EXPECT_EQ(Words(AsBytes(file), "co64", 1).back(), file.size() - 6);
}

TEST_F(ClipTest, MediaThatRunsBackwardsOrLeavesItsClusterIsRefused) {
  Add(7, -7000);
  FragmentBuilder again = Fragment(7);
  const ByteChain cluster = again.Finish();
  EXPECT_EQ(clip_.Add(again.table, cluster.size(), -7100, {}).error().code(),
            ErrorCode::kCorruption);
  ClipWriter other(AvcAndAac());
  EXPECT_EQ(other.Add(again.table, 20, -7000, {}).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(ClipWriter(AvcAndAac()).Head().error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace penstock::playback
