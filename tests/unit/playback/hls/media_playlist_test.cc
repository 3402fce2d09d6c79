#include "playback/hls/media_playlist.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ids.h"
#include "playback/hls/file_name.h"

namespace penstock::playback {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using store::ItemHeader;
using store::ItemKind;
using testing::HasSubstr;
using testing::Not;

// A shard's index as its recorder writes it: fragments of a fixed length one after the other.
class Index {
 public:
  explicit Index(uint64_t first_ordinal = 0, uint64_t first_discontinuity = 0)
      : ordinal_(first_ordinal), discontinuity_(first_discontinuity) {}

  Index& Fragments(int count, milliseconds duration = milliseconds(2000)) {
    for (int i = 0; i < count; ++i) {
      Push(ItemKind::kFragment, duration);
      now_ += duration;
    }
    return *this;
  }
  Index& NewRun(store::TrackSetId track_set) {
    ++discontinuity_;
    track_set_ = track_set;
    return *this;
  }
  Index& Hole(milliseconds duration) {
    Push(ItemKind::kGap, duration);
    now_ += duration;
    return *this;
  }
  Index& Abandoned() {
    Push(ItemKind::kAbandoned, milliseconds(0));
    return *this;
  }
  // A fragment that was never stored: while the window has it, and afterwards.
  Index& Dropped(bool still_in_window) {
    Push(still_in_window ? ItemKind::kFragment : ItemKind::kGap, milliseconds(2000));
    items.back().run = 1;
    if (still_in_window) items.back().flags |= store::kFlagDropped;
    now_ += milliseconds(2000);
    return *this;
  }

  std::vector<ItemHeader> items;

 private:
  void Push(ItemKind kind, milliseconds duration) {
    ItemHeader item;
    item.ordinal = ordinal_++;
    item.discontinuity_ordinal = discontinuity_;
    item.kind = kind;
    item.duration = duration;
    item.track_set = track_set_;
    item.server_time = ServerTimeFromMs(now_.count());
    item.producer_time = ProducerTimeFromUs(microseconds(now_).count());
    items.push_back(item);
  }

  uint64_t ordinal_;
  uint64_t discontinuity_;
  store::TrackSetId track_set_ = 1;
  milliseconds now_{1'768'478'400'000};  // 2026-01-15T12:00:00Z
};

std::string Render(std::span<const ItemHeader> items,
                   PlaylistShape::Kind kind = PlaylistShape::Kind::kLive) {
  PlaylistShape shape;
  shape.kind = kind;
  shape.life = "0123456789abcdef";
  shape.target_seconds = TargetSeconds(items);
  return RenderMediaPlaylist(items, shape);
}

TEST(MediaPlaylist, ALiveListReadsAsItIsWrittenHere) {
  Index index(7, 3);
  index.Fragments(2).Hole(std::chrono::hours(1)).NewRun(10).Fragments(1, milliseconds(2033));
  EXPECT_EQ(Render(index.items),
            "#EXTM3U\n"
            "#EXT-X-VERSION:8\n"
            "#EXT-X-TARGETDURATION:2\n"
            "#EXT-X-MEDIA-SEQUENCE:7\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-MAP:URI=\"0123456789abcdef-i1.mp4\"\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:00.000Z\n"
            "#EXTINF:2,\n"
            "0123456789abcdef-7.m4s\n"
            "#EXTINF:2,\n"
            "0123456789abcdef-8.m4s\n"
            "#EXT-X-GAP\n"
            "#EXTINF:0.001,\n"
            "0123456789abcdef-9.m4s\n"
            "#EXT-X-DISCONTINUITY\n"
            "#EXT-X-MAP:URI=\"0123456789abcdef-i10.mp4\"\n"
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-15T13:00:04.000Z\n"
            "#EXTINF:2.033,\n"
            "0123456789abcdef-10.m4s\n");
}

TEST(MediaPlaylist, AStoredRangeSaysThatItIsComplete) {
  Index index;
  index.Fragments(3);
  const std::string text = Render(index.items, PlaylistShape::Kind::kVod);
  EXPECT_THAT(text, HasSubstr("#EXT-X-PLAYLIST-TYPE:VOD\n"));
  EXPECT_TRUE(text.ends_with("#EXT-X-ENDLIST\n"));
}

TEST(MediaPlaylist, ListsThatSlideHaveNoTypeAndNoEnd) {
  Index index;
  index.Fragments(3);
  for (const auto kind : {PlaylistShape::Kind::kLive, PlaylistShape::Kind::kRewind}) {
    const std::string text = Render(index.items, kind);
    EXPECT_THAT(text, Not(HasSubstr("PLAYLIST-TYPE")));
    EXPECT_THAT(text, Not(HasSubstr("ENDLIST")));
  }
  EXPECT_THAT(Render(index.items, PlaylistShape::Kind::kRewind),
              HasSubstr("#EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n"));
}

TEST(MediaPlaylist, OneFragmentWithoutKeyFrameEndsIndependence) {
  Index index;
  index.Fragments(3);
  index.items[1].flags |= store::kFlagNoKeyframe;
  EXPECT_THAT(Render(index.items), Not(HasSubstr("INDEPENDENT-SEGMENTS")));
}

TEST(MediaPlaylist, ADroppedFragmentKeepsItsPlaceNameAndDurationWhenItBecomesAGap) {
  Index before;
  before.Fragments(2).Dropped(true).Fragments(1);
  Index after;
  after.Fragments(2).Dropped(false).Fragments(1);
  EXPECT_THAT(Render(before.items), HasSubstr("#EXTINF:2,\n0123456789abcdef-2.m4s\n"));
  EXPECT_THAT(Render(after.items), HasSubstr("#EXT-X-GAP\n#EXTINF:2,\n0123456789abcdef-2.m4s\n"));
  EXPECT_EQ(LiveStart(before.items), LiveStart(after.items));
}

TEST(MediaPlaylist, AnAbandonedOrdinalIsAGap) {
  Index index;
  index.Fragments(1).Abandoned().Fragments(1);
  EXPECT_THAT(Render(index.items), HasSubstr("#EXT-X-GAP\n#EXTINF:0.001,\n0123456789abcdef-1.m4s"));
}

TEST(MediaPlaylist, DatesAreRepeatedOnlyWhereCountingOnWouldBeWrong) {
  Index index;
  index.Fragments(5);
  for (size_t i = 0; i < 5; ++i) index.items[i].producer_time += microseconds(4000 * i);
  const std::string text = Render(index.items);
  // Off by 4 and 8 ms, then by 12: one date at the start and one at the fourth.
  EXPECT_THAT(text, HasSubstr("12:00:00.000Z"));
  EXPECT_THAT(text, HasSubstr("12:00:06.012Z"));
  EXPECT_THAT(text, Not(HasSubstr("12:00:02")));
  EXPECT_THAT(text, Not(HasSubstr("12:00:08")));
}

TEST(MediaPlaylist, WithoutProducerTimeTheDateIsTheServers) {
  Index index;
  index.Fragments(1);
  index.items[0].producer_time = ProducerTime();
  EXPECT_THAT(Render(index.items), HasSubstr("#EXT-X-PROGRAM-DATE-TIME:2026-01-15T12:00:00.000Z"));
}

// Counting lines as a player does must give each fragment's own ordinals, wherever the list starts.
TEST(MediaPlaylist, SequenceNumbersAreTheOrdinalsWhereverTheListBegins) {
  Index index(100, 5);
  index.Fragments(3)
      .Abandoned()
      .Hole(milliseconds(9))
      .NewRun(2)
      .Fragments(2)
      .NewRun(3)
      .Fragments(4);
  for (size_t from = 0; from < index.items.size(); ++from) {
    const auto items = TrimGaps(std::span(index.items).subspan(from), PlaylistShape::Kind::kLive);
    uint64_t sequence = items.front().ordinal;
    uint64_t discontinuity = items.front().discontinuity_ordinal;
    std::string text = Render(items);
    EXPECT_THAT(text, HasSubstr(fmt::format("MEDIA-SEQUENCE:{}\n", sequence)));
    EXPECT_THAT(text, HasSubstr(fmt::format("DISCONTINUITY-SEQUENCE:{}\n", discontinuity)));
    size_t at = 0;
    while (at < text.size()) {
      const size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      at = end + 1;
      if (line == "#EXT-X-DISCONTINUITY") ++discontinuity;
      if (line.starts_with("#")) continue;
      EXPECT_EQ(line, fmt::format("0123456789abcdef-{}.m4s", sequence));
      EXPECT_EQ(index.items[sequence - 100].discontinuity_ordinal, discontinuity);
      ++sequence;
    }
    EXPECT_EQ(sequence, items.back().ordinal + 1);
  }
}

TEST(MediaPlaylist, TheTargetDurationIsTheLongestRoundedAsTheRfcRounds) {
  EXPECT_EQ(TargetSeconds(Index().Fragments(3, milliseconds(2499)).items), 2);
  EXPECT_EQ(TargetSeconds(Index().Fragments(3, milliseconds(2500)).items), 3);
  EXPECT_EQ(TargetSeconds(Index().Fragments(3, milliseconds(300)).items), 1);
  EXPECT_EQ(TargetSeconds(Index().Fragments(1).Hole(std::chrono::hours(3)).items), 2);
}

TEST(LiveWindow, HoldsTenFragmentsAndThirtySeconds) {
  Index two_seconds;
  two_seconds.Fragments(60);
  EXPECT_EQ(two_seconds.items.size() - LiveStart(two_seconds.items), 15u);
  Index ten_seconds;
  ten_seconds.Fragments(60, milliseconds(10'000));
  EXPECT_EQ(ten_seconds.items.size() - LiveStart(ten_seconds.items), 10u);
  Index young;
  young.Fragments(4);
  EXPECT_EQ(LiveStart(young.items), 0u);
}

TEST(LiveWindow, NeverMovesBackWhateverIsAppended) {
  Index index;
  index.Fragments(40, milliseconds(1000)).Fragments(10, milliseconds(10'000)).Hole(milliseconds(5));
  index.Fragments(5).Dropped(true).Abandoned().Fragments(40, milliseconds(1500));
  uint64_t last = 0;
  for (size_t count = 1; count <= index.items.size(); ++count) {
    const size_t from = count > kLiveLookback ? count - kLiveLookback : 0;
    const auto seen = std::span(index.items).subspan(from, count - from);
    const uint64_t first = seen[LiveStart(seen)].ordinal;
    EXPECT_GE(first, last) << count;
    last = first;
  }
}

TEST(TrimGaps, AStoredRangeNeitherBeginsNorEndsWithAGap) {
  Index index;
  index.Abandoned().Fragments(2).Hole(milliseconds(7));
  EXPECT_EQ(TrimGaps(index.items, PlaylistShape::Kind::kVod).size(), 2u);
  EXPECT_EQ(TrimGaps(index.items, PlaylistShape::Kind::kLive).size(), 3u);
  EXPECT_TRUE(TrimGaps(Index().Abandoned().items, PlaylistShape::Kind::kLive).empty());
}

TEST(HlsFileName, WhatIsMadeIsParsedBack) {
  const std::string life = LifeOf(ShardId::Random());
  const HlsFileName names[] = {
      {},
      {.kind = HlsFileName::Kind::kInit, .life = life, .id = 1},
      {.kind = HlsFileName::Kind::kSegment, .life = life, .id = 0},
      {.kind = HlsFileName::Kind::kSegment,
       .life = life,
       .id = UINT64_MAX,
       .layout = Layout::kVerbatim},
      {.kind = HlsFileName::Kind::kTransportSegment, .life = life, .id = 7},
  };
  for (const HlsFileName& name : names) {
    const Result<HlsFileName> parsed = ParseHlsFileName(FormatHlsFileName(name));
    ASSERT_TRUE(parsed.ok()) << FormatHlsFileName(name);
    EXPECT_EQ(*parsed, name);
  }
}

TEST(HlsFileName, AnythingElseIsNotFound) {
  for (const char* text :
       {"", "index.m3u", "0123456789abcdef-.m4s", "0123456789abcdef-01.m4s",
        "0123456789abcdef-1vv.m4s", "0123456789ABCDEF-1.m4s", "0123456789abcde-1.m4s",
        "0123456789abcdef-1.mp4", "0123456789abcdef-i.mp4", "0123456789abcdef-i-1.mp4",
        "0123456789abcdef-1v.ts", "0123456789abcdef-i1.ts", "0123456789abcdef-+1.m4s",
        "0123456789abcdef-18446744073709551616.m4s", "../index.m3u8"}) {
    const Result<HlsFileName> parsed = ParseHlsFileName(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kNotFound);
  }
}

TEST(LayoutOf, StoredMediaIsVerbatimWhereThatWeighsLittle) {
  store::ItemHeader large;
  large.body_bytes = 540'000;
  large.meta_bytes = 700;
  store::ItemHeader small = large;
  small.body_bytes = 58'000;
  PlaylistShape shape;
  shape.kind = PlaylistShape::Kind::kVod;
  EXPECT_EQ(LayoutOf(large, shape), Layout::kVerbatim);
  EXPECT_EQ(LayoutOf(small, shape), Layout::kContiguous);
  shape.kind = PlaylistShape::Kind::kRewind;
  EXPECT_EQ(LayoutOf(large, shape), Layout::kVerbatim);
  shape.kind = PlaylistShape::Kind::kLive;
  EXPECT_EQ(LayoutOf(large, shape), Layout::kContiguous);
}

TEST(LayoutOf, APolicyThatNamesOneIsFollowedEverywhere) {
  store::ItemHeader item;
  item.body_bytes = 540'000;
  item.meta_bytes = 700;
  PlaylistShape shape;
  for (const auto kind : {PlaylistShape::Kind::kLive, PlaylistShape::Kind::kVod}) {
    shape.kind = kind;
    shape.layout = LayoutPolicy::kContiguous;
    EXPECT_EQ(LayoutOf(item, shape), Layout::kContiguous);
    shape.layout = LayoutPolicy::kVerbatim;
    EXPECT_EQ(LayoutOf(item, shape), Layout::kVerbatim);
  }
}

}  // namespace
}  // namespace penstock::playback
