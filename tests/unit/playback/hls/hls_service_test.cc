#include "base/limits.h"
#include "base/metrics.h"
#include "tests/unit/playback/hls/hls_service_fixture.h"

namespace penstock::playback {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(HlsServiceTest, TheLiveListSlidesAndKeepsItsNumbers) {
  AddFragments(40);
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-MEDIA-SEQUENCE:25\n"));
  AddFragment();
  const std::string text = Playlist();
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:26\n"));
  EXPECT_THAT(text, HasSubstr(SegmentName(40)));
}

TEST_F(HlsServiceTest, RetentionDoesNotRenumber) {
  AddFragments(10);
  shard_->oldest = 4;
  const std::string text = Playlist();
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:4\n"));
  EXPECT_THAT(text, HasSubstr("#EXTINF:2,\n" + SegmentName(4)));
}

TEST_F(HlsServiceTest, TheTargetDurationOutlivesTheFragmentThatSetIt) {
  AddFragment().duration = milliseconds(9000);
  AddFragments(40);
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-TARGETDURATION:9\n"));
}

TEST_F(HlsServiceTest, EveryUriOfAPlaylistIsServed) {
  AddFragments(3);
  const std::string text = Playlist();
  const size_t map = text.find("URI=\"") + 5;
  const Resource init = Get(text.substr(map, text.find('"', map) - map)).value();
  EXPECT_EQ(init.content_type, "video/mp4");
  EXPECT_TRUE(init.immutable);
  EXPECT_TRUE(Text(init).substr(4).starts_with("ftyp"));
  for (const Layout layout : {Layout::kContiguous, Layout::kVerbatim}) {
    const Resource segment = Get(SegmentName(1, layout)).value();
    EXPECT_EQ(segment.content_type, "video/mp4");
    EXPECT_TRUE(segment.immutable);
    EXPECT_THAT(Text(segment), HasSubstr("PICTURE"));
  }
  EXPECT_TRUE(Text(Get(SegmentName(1)).value()).ends_with("mdatPICTURESOUND"));
}

TEST_F(HlsServiceTest, SoundThatMayBeTranscodedOtherwiseLaterIsNotKeptForGood) {
  fragmenter::TrackSet set;
  set.tracks = {AvcTrack(1), TelephoneTrack(2)};
  shard_->track_sets[1] = {.id = 1, .meta = fragmenter::EncodeTrackSet(set)};
  AddFragments(6);
  shard_->items[0].header.flags = store::kFlagStartsRun;
  shard_->items[4].header.flags = store::kFlagDropped;
  shard_->unreadable = {2};
  const Resource whole = Get(SegmentName(1)).value();
  const Resource alone = Get(SegmentName(3)).value();
  EXPECT_TRUE(Get(SegmentName(0)).value().immutable) << "nothing comes before it";
  EXPECT_TRUE(whole.immutable);
  EXPECT_FALSE(alone.immutable) << "the one before may be readable again";
  EXPECT_FALSE(Get(SegmentName(5)).value().immutable) << "the one before will be a gap";
  EXPECT_EQ(alone.etag.substr(alone.etag.size() - 3), "-a\"");
  EXPECT_THAT(whole.etag, Not(HasSubstr("-a\"")));
}

TEST_F(HlsServiceTest, ADamagedFragmentIsAGapOnceSomebodyAskedForIt) {
  AddFragments(5);
  shard_->damaged = {2};
  const Pairs ranges[] = {
      {},
      {{"start", std::to_string(kNoonMs)}},
      {{"start", std::to_string(kNoonMs)}, {"end", std::to_string(kNoonMs + 60'000)}}};
  std::vector<std::string> before;
  for (const Pairs& range : ranges) before.push_back(Playlist(range));
  metrics::Counter& counter = metrics::GetCounter("penstock_fragments_damaged_total", "");
  const uint64_t counted = counter.value();

  for (const Layout layout : {Layout::kContiguous, Layout::kVerbatim, Layout::kContiguous}) {
    ExpectError(Get(SegmentName(2, layout)), ErrorCode::kNotFound, "fragment 2 is a gap");
  }
  EXPECT_EQ(shard_->opens, 1);
  EXPECT_EQ(counter.value(), counted + 1);

  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_THAT(before[i], Not(HasSubstr("GAP")));
    const std::string text = Playlist(ranges[i]);
    EXPECT_THAT(text, HasSubstr("#EXT-X-GAP\n#EXTINF:2,\n" + SegmentName(2)));
    EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:0\n"));
    EXPECT_THAT(text, Not(HasSubstr("DISCONTINUITY\n")));
    EXPECT_EQ(text.find("GAP"), text.rfind("GAP"));
  }
  for (const uint64_t ordinal : {1, 3}) EXPECT_TRUE(Get(SegmentName(ordinal)).ok());
}

TEST_F(HlsServiceTest, AFragmentThatTheDiskDoesNotGiveIsAGapToo) {
  AddFragments(5);
  shard_->unreadable = {2};
  ExpectError(Get(SegmentName(2)), ErrorCode::kNotFound, "fragment 2 is a gap");
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-GAP\n#EXTINF:2,\n" + SegmentName(2)));
}

TEST_F(HlsServiceTest, AnIndexThatFailsSaysNothingOfTheFragment) {
  AddFragments(5);
  shard_->index_fails = true;
  ExpectError(Get(SegmentName(2)), ErrorCode::kIo, "index");
  shard_->index_fails = false;
  EXPECT_TRUE(Get(SegmentName(2)).ok());
  EXPECT_THAT(Playlist(), Not(HasSubstr("GAP")));
}

TEST_F(HlsServiceTest, WhatHasADamagedTrackSetIsAGapOnceSomebodyAskedForIt) {
  AddFragments(3);
  shard_->track_sets[2] = shard_->track_sets[1];
  AddFragment().track_set = 2;
  shard_->damaged_track_sets = {1};
  EXPECT_THAT(Playlist(), Not(HasSubstr("GAP")));
  ExpectError(Get(InitName()), ErrorCode::kNotFound, "track set 1 is damaged");
  const std::string text = Playlist();
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:3\n"));
  EXPECT_THAT(text, HasSubstr(SegmentName(3)));
}

TEST_F(HlsServiceTest, AListThatIsAllDamageHasNothingToPlay) {
  AddFragments(2);
  shard_->damaged = {0, 1};
  for (const uint64_t ordinal : {0, 1}) EXPECT_FALSE(Get(SegmentName(ordinal)).ok());
  ExpectError(Get("index.m3u8"), ErrorCode::kNotFound, "nothing to play");
}

TEST_F(HlsServiceTest, TheTagOfAResourceSaysItsBytes) {
  AddFragments(3);
  const Resource before = Get("index.m3u8").value();
  EXPECT_EQ(before.etag, Get("index.m3u8").value().etag);
  EXPECT_FALSE(before.immutable);
  AddFragment();
  EXPECT_NE(before.etag, Get("index.m3u8").value().etag);
  EXPECT_NE(Get(SegmentName(1)).value().etag, Get(SegmentName(2)).value().etag);
  EXPECT_NE(Get(SegmentName(1)).value().etag, Get(SegmentName(1, Layout::kVerbatim)).value().etag);
}

TEST_F(HlsServiceTest, AVerbatimSegmentOfASealedFileIsAHeadAndAFileRange) {
  AddFragments(2);
  shard_->file = std::make_shared<const FileHandle>(-1);
  shard_->file_offsets[1] = 4096;
  const Resource segment = Get(SegmentName(1, Layout::kVerbatim)).value();
  ASSERT_EQ(segment.parts.size(), 2u);
  EXPECT_EQ(std::get<FileSlice>(segment.parts[1]).offset, 4096u);
  EXPECT_EQ(std::get<FileSlice>(segment.parts[1]).size, shard_->items[1].body.size());
}

TEST_F(HlsServiceTest, TheHeadOfAFileRangeIsMadeOnceAndItsFileIsNotKeptOpen) {
  AddFragments(2);
  shard_->file = std::make_shared<const FileHandle>(-1);
  const std::weak_ptr<const FileHandle> watched = shard_->file;
  const std::string head = Text(Get(SegmentName(1, Layout::kVerbatim)).value());
  {
    const Resource again = Get(SegmentName(1, Layout::kVerbatim)).value();
    EXPECT_EQ(shard_->opens, 1);
    EXPECT_EQ(Text(again), head);
    EXPECT_EQ(std::get<FileSlice>(again.parts.at(1)).file, shard_->file);
  }
  // The store closes it: nobody else holds it, and the next viewer gets the next one.
  shard_->file = std::make_shared<const FileHandle>(-1);
  EXPECT_TRUE(watched.expired());
  const Resource reopened = Get(SegmentName(1, Layout::kVerbatim)).value();
  EXPECT_EQ(shard_->opens, 2);
  EXPECT_EQ(Text(reopened), head);
  EXPECT_EQ(std::get<FileSlice>(reopened.parts.at(1)).file, shard_->file);
}

TEST_F(HlsServiceTest, AStoredRangeHasItsFragmentsAndAnEnd) {
  AddFragments(100);
  const std::string text = Playlist(
      {{"start", std::to_string(kNoonMs + 20'500)}, {"end", std::to_string(kNoonMs + 30'000)}});
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:10\n"));
  EXPECT_THAT(text, HasSubstr(SegmentName(14)));
  EXPECT_THAT(text, Not(HasSubstr(SegmentName(15))));
  EXPECT_TRUE(text.ends_with("#EXT-X-ENDLIST\n"));
}

TEST_F(HlsServiceTest, ARangeLongerThanAPageIsListedWhole) {
  AddFragments(9000);
  const std::string text =
      Playlist({{"start", std::to_string(kNoonMs)}, {"end", std::to_string(kNoonMs + 18'000'000)}});
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:0\n"));
  EXPECT_THAT(text, HasSubstr(SegmentName(8999)));
}

TEST_F(HlsServiceTest, RewindBeginsAtItsStartAndFollowsTheEdge) {
  AddFragments(100);
  const Pairs query = {{"start", std::to_string(kNoonMs + 20'000)}};
  const std::string text = Playlist(query);
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:10\n"));
  EXPECT_THAT(text, HasSubstr(SegmentName(99)));
  EXPECT_THAT(text, Not(HasSubstr("ENDLIST")));
  AddFragment();
  EXPECT_THAT(Playlist(query), HasSubstr(SegmentName(100)));
}

TEST_F(HlsServiceTest, ARewindThatIsWatchedForLongSlidesAndNoLongerClaimsToBeginWhereItWasAsked) {
  AddFragments(static_cast<int>(limits::kPlaylistEntriesMax));
  const Pairs query =
      QueryOf(Get("index.m3u8", {{"start", std::to_string(kNoonMs)}}).value().moved_to);
  const std::string at_first = Playlist(query);
  EXPECT_THAT(at_first, HasSubstr("#EXT-X-MEDIA-SEQUENCE:0\n"));
  EXPECT_THAT(at_first, HasSubstr("#EXT-X-START:"));
  AddFragments(50);
  const std::string later = Playlist(query);
  EXPECT_THAT(later, HasSubstr("#EXT-X-MEDIA-SEQUENCE:50\n"));
  EXPECT_THAT(later, HasSubstr(SegmentName(limits::kPlaylistEntriesMax + 49)));
  EXPECT_THAT(later, Not(HasSubstr("#EXT-X-START:")));
}

TEST_F(HlsServiceTest, ARewindThatCannotBeginWhereItIsAskedSaysWhereItCan) {
  AddFragments(static_cast<int>(limits::kPlaylistEntriesMax) + 50);
  const Result<Resource> refused = Get("index.m3u8", {{"start", std::to_string(kNoonMs)}});
  ExpectError(refused, ErrorCode::kTooLarge, "at most 3600 back");
  const ServerTime earliest = ServerTimeFromMs(kNoonMs + 100'000);
  ExpectError(refused, ErrorCode::kTooLarge, FormatRfc3339(earliest).c_str());
  EXPECT_THAT(Playlist({{"start", FormatRfc3339(earliest)}}),
              HasSubstr("#EXT-X-MEDIA-SEQUENCE:50\n"));
}

TEST_F(HlsServiceTest, AListThatNothingChangedIsNotMadeAgain) {
  AddFragments(5);
  Playlist();
  const int finds = shard_->finds;
  Playlist();
  EXPECT_EQ(shard_->finds, finds);
}

TEST_F(HlsServiceTest, AListWithADroppedFragmentIsMadeAgain) {
  AddFragments(5);
  shard_->items[3].header.flags |= store::kFlagDropped;
  EXPECT_THAT(Playlist(), Not(HasSubstr("#EXT-X-GAP")));
  shard_->items[3].header.kind = store::ItemKind::kGap;
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-GAP\n#EXTINF:2,\n" + SegmentName(3)));
}

TEST_F(HlsServiceTest, WhatASlowDiskHasNotTakenIsLiveAndNotStored) {
  AddFragments(6);
  shard_->ahead = 2;
  EXPECT_THAT(Playlist(), HasSubstr(SegmentName(5)));
  EXPECT_THAT(Text(Get(SegmentName(5)).value()), HasSubstr("PICTURE"));
  const std::string stored =
      Playlist({{"start", std::to_string(kNoonMs)}, {"end", std::to_string(kNoonMs + 60'000)}});
  EXPECT_THAT(stored, HasSubstr(SegmentName(3)));
  EXPECT_THAT(stored, Not(HasSubstr(SegmentName(4))));
  EXPECT_THAT(Playlist({{"first", "2"}}), HasSubstr(SegmentName(5)));
  AddFragment();
  shard_->ahead = 3;
  EXPECT_THAT(Playlist(), HasSubstr(SegmentName(6))) << "what is stored has not changed";
  ExpectError(Get(SegmentName(7)), ErrorCode::kNotFound, "no fragment 7 yet");
}

// Refused in the middle of what waits: no ordinal tells.
TEST_F(HlsServiceTest, WhatIsNotStoredAndBecomesAGapIsListedAsOneAtOnce) {
  AddFragments(6);
  shard_->ahead = 3;
  EXPECT_THAT(Playlist(), Not(HasSubstr("#EXT-X-GAP")));
  shard_->items[4].header.kind = store::ItemKind::kGap;
  ++shard_->live_changes;
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-GAP\n#EXTINF:2,\n" + SegmentName(4)));
}

TEST_F(HlsServiceTest, ViewersShareOneReadOfAFragment) {
  AddFragments(2);
  Get(SegmentName(1)).value();
  Get(SegmentName(1)).value();
  EXPECT_EQ(shard_->opens, 1);
}

Task<void> Fetch(HlsService& service, StreamName stream, std::string file, int& done) {
  const Result<Resource> got = co_await service.Get(std::move(stream), std::move(file), Pairs());
  if (got.ok()) ++done;
}

TEST_F(HlsServiceTest, ViewersWhoComeTogetherShareOneReadOfAFragment) {
  AddFragments(2);
  shard_->hold_open.emplace();
  SimulatedExecutor executor(clock_);
  int done = 0;
  for (int i = 0; i < 5; ++i) {
    executor.Post([&] { Detach(Fetch(service_, name_, SegmentName(1), done)); });
  }
  executor.RunUntilIdle();
  EXPECT_EQ(done, 0);
  executor.Post([&] { shard_->hold_open->Set(Unit()); });
  executor.RunUntilIdle();
  EXPECT_EQ(done, 5);
  EXPECT_EQ(shard_->opens, 1);
}

TEST_F(HlsServiceTest, WhatRetentionHidIsNotServedFromTheCache) {
  AddFragments(5);
  Get(SegmentName(1)).value();
  shard_->oldest = 2;
  ExpectError(Get(SegmentName(1)), ErrorCode::kTrimmed, "older than what is kept");
}

TEST_F(HlsServiceTest, WhatIsNotThereIsSaidInWords) {
  ExpectError(Get("index.m3u8"), ErrorCode::kNotFound, "nothing to play yet");
  ExpectError(SyncWait(service_.Get(StreamName::Parse("cam2").value(), "index.m3u8", Pairs())),
              ErrorCode::kNotFound, "no stream cam2");
  AddFragments(5);
  AddGap();
  AddFragments(1);
  ExpectError(Get("x.ts"), ErrorCode::kNotFound, "no such file");
  ExpectError(Get(SegmentName(5)), ErrorCode::kNotFound, "fragment 5 is a gap");
  ExpectError(Get(SegmentName(7)), ErrorCode::kNotFound, "no fragment 7 yet");
  ExpectError(Get("index.m3u8", {{"strat", "1"}}), ErrorCode::kInvalidArgument, "strat");
  ExpectError(Get("index.m3u8", {{"start", "0"}, {"end", "99999999"}}), ErrorCode::kTooLarge,
              "6 hours");
  ExpectError(Get("index.m3u8", {{"start", std::to_string(kNoonMs + 86'400'001)}}),
              ErrorCode::kInvalidArgument, "in the future");
  ExpectError(Get("index.m3u8", {{"start", std::to_string(kNoonMs + 80'000)}}),
              ErrorCode::kNotFound, "nothing is stored from");
  ExpectError(Get("index.m3u8", {{"start", std::to_string(kNoonMs - 9000)},
                                 {"end", std::to_string(kNoonMs - 1000)}}),
              ErrorCode::kNotFound, "nothing is stored between");
  shard_->oldest = 3;
  ExpectError(Get("index.m3u8",
                  {{"start", std::to_string(kNoonMs)}, {"end", std::to_string(kNoonMs + 4000)}}),
              ErrorCode::kTrimmed, "no longer kept");
}

TEST_F(HlsServiceTest, AnotherLifeOfTheStreamIsNotMixedUp) {
  AddFragments(2);
  const std::string old_name = SegmentName(1);
  shard_ = store_.AddStream("cam1");
  ExpectError(Get(old_name), ErrorCode::kNotFound, "deleted and made again");
}

TEST_F(HlsServiceTest, DamagedMetaIsAGapAndNoCrash) {
  AddFragments(2);
  shard_->items[1].meta = Bytes::Copy("nonsense");
  ExpectError(Get(SegmentName(1)), ErrorCode::kNotFound, "fragment 1 is a gap");
  EXPECT_THAT(Playlist(), HasSubstr("#EXT-X-GAP\n#EXTINF:2,\n" + SegmentName(1)));
}

}  // namespace
}  // namespace penstock::playback
