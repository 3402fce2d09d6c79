// Playlists and segments of a stream of which holds keep something that is older than the rest.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "playback/hls/file_name.h"
#include "playback/hls/hls_service.h"
#include "tests/unit/playback/fake_store.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr int64_t kNoonMs = 1'768'478'400'000;

// Of 60 fragments of two seconds and one run 2 to 4 and 8 are held, and from 30 on they are young.
class HeldTest : public testing::Test {
 protected:
  HeldTest() {
    fragmenter::TrackSet set;
    set.tracks = {AvcTrack(1)};
    shard_->track_sets[1] = {.id = 1, .meta = fragmenter::EncodeTrackSet(set)};
    for (int64_t n = 0; n < 60; ++n) Add(n);
    shard_->oldest = 30;
    shard_->Hold(2, 5);
    shard_->Hold(8, 9);
  }
  void Add(int64_t n) {
    FragmentBuilder fragment(static_cast<uint64_t>(n * 2000));
    fragment.Add({.track = 1, .key = true, .dts = n * 180'000, .duration = 180'000}, "PICTURE");
    FakeShard::Item item;
    item.meta = fragment.table.Encode();
    item.body = fragment.Finish();
    item.header.duration = milliseconds(2000);
    item.header.server_time = ServerTimeFromMs(kNoonMs + n * 2000);
    item.header.track_set = 1;
    item.header.run = 1;
    shard_->Add(std::move(item));
  }
  static std::string At(int64_t ordinal) { return std::to_string(kNoonMs + ordinal * 2000); }
  Result<Resource> Get(std::string file, Pairs query = {}) {
    return SyncWait(service_.Get(name_, std::move(file), std::move(query)));
  }
  std::string Playlist(Pairs query = {}) {
    const Result<Resource> list = Get("index.m3u8", std::move(query));
    EXPECT_TRUE(list.ok()) << list.error().ToString();
    if (!list.ok()) return {};
    return std::string(std::get<ByteChain>(list->parts.at(0)).Flatten().text());
  }
  std::string SegmentName(uint64_t ordinal) {
    return FormatHlsFileName({.kind = HlsFileName::Kind::kSegment,
                              .life = LifeOf(shard_->id()),
                              .id = ordinal,
                              .layout = Layout::kContiguous});
  }
  // "|" for a discontinuity and the ordinals of what is listed.
  std::vector<std::string> Listed(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line == "#EXT-X-DISCONTINUITY") out.emplace_back("|");
      if (line.starts_with("#")) continue;
      const auto name = ParseHlsFileName(line);
      EXPECT_TRUE(name.ok()) << line;
      if (name.ok()) out.push_back(std::to_string(name->id));
    }
    return out;
  }

  FakeStore store_;
  std::shared_ptr<FakeShard> shard_ = store_.AddStream("cam1");
  const StreamName name_ = StreamName::Parse("cam1").value();
  SimulatedClock clock_{ServerTimeFromMs(kNoonMs + 86'400'000)};
  HlsService service_{store_, clock_, {.layout = LayoutPolicy::kContiguous}};
};

TEST_F(HeldTest, AStoredRangeHasADiscontinuityWhereSomethingHasGone) {
  const std::string text = Playlist({{"start", At(0)}, {"end", At(32)}});
  EXPECT_THAT(Listed(text), ElementsAre("2", "3", "4", "|", "8", "|", "30", "31"));
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:2\n"));
  // Its date tells players how long that was.
  EXPECT_THAT(text, HasSubstr("#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:" +
                              FormatRfc3339(ServerTimeFromMs(kNoonMs + 60'000))));
  EXPECT_TRUE(text.ends_with("#EXT-X-ENDLIST\n"));
}

TEST_F(HeldTest, WhatHasGoneBetweenIsNotServed) {
  EXPECT_TRUE(Get(SegmentName(3)).ok());
  EXPECT_TRUE(Get(SegmentName(8)).ok());
  for (const uint64_t gone : {1, 5, 9, 29}) {
    const auto refused = Get(SegmentName(gone));
    ASSERT_FALSE(refused.ok()) << gone;
    EXPECT_EQ(refused.error().code(), ErrorCode::kTrimmed);
  }
  const auto between = Get("index.m3u8", {{"start", At(10)}, {"end", At(20)}});
  ASSERT_FALSE(between.ok());
  EXPECT_EQ(between.error().code(), ErrorCode::kTrimmed);
}

TEST_F(HeldTest, ReleasedItIsGoneFromListsAndCachesThatHadIt) {
  const Pairs range = {{"start", At(0)}, {"end", At(32)}};
  Playlist(range);
  EXPECT_TRUE(Get(SegmentName(3)).ok());
  shard_->held.erase(shard_->held.begin());
  ++shard_->held_changes;
  EXPECT_THAT(Listed(Playlist(range)), ElementsAre("8", "|", "30", "31"));
  EXPECT_FALSE(Get(SegmentName(3)).ok());
}

TEST_F(HeldTest, LiveListsNeverHaveIt) {
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-MEDIA-SEQUENCE:45\n"));
  shard_->oldest = 58;
  EXPECT_THAT(Listed(Playlist()), ElementsAre("58", "59"));
  shard_->oldest = 60;
  shard_->Hold(55, 57);
  const auto nothing = Get("index.m3u8");
  ASSERT_FALSE(nothing.ok());
  EXPECT_THAT(nothing.error().message(), HasSubstr("nothing to play yet"));
}

TEST_F(HeldTest, ARewindIntoItSaysHowItIsPlayed) {
  const auto refused = Get("index.m3u8", {{"start", At(3)}});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kTooLarge);
  EXPECT_THAT(refused.error().message(), HasSubstr("held"));
  EXPECT_THAT(refused.error().message(),
              HasSubstr(FormatRfc3339(ServerTimeFromMs(kNoonMs + 60'000))));
  EXPECT_EQ(Get("index.m3u8", {{"start", At(10)}}).value().moved_to, "index.m3u8?first=30");
  // A list that began before there was anything held goes on with what is there.
  const std::string followed = Playlist({{"first", "3"}});
  EXPECT_THAT(Listed(followed).front(), "30");
  EXPECT_THAT(followed, Not(HasSubstr("#EXT-X-START")));
  shard_->oldest = 60;
  const auto alone = Get("index.m3u8", {{"start", At(3)}});
  ASSERT_FALSE(alone.ok());
  EXPECT_THAT(alone.error().message(), HasSubstr("held"));
}

}  // namespace
}  // namespace penstock::playback
