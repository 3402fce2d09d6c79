#include "playback/dash/dash_service.h"

#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "playback/audio/silence.h"
#include "playback/hls/hls_service.h"
#include "tests/unit/playback/dash/timed_fragments.h"
#include "tests/unit/playback/fake_store.h"

namespace penstock::playback {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class DashServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    fragmenter::TrackSet set;
    set.tracks = {AvcTrack(1), AacTrack(2)};
    shard_->track_sets[1] = {.id = 1, .meta = fragmenter::EncodeTrackSet(set)};
  }

  // Two seconds, of the run at its `at`-th, received `late_ms` after it happened.
  void Add(int64_t received_ms, int64_t at, store::RunId run = 1, bool sound = true) {
    FragmentBuilder fragment;
    fragment.Add({.track = 1, .key = true, .dts = at * 180'000, .duration = 180'000}, "PICTURE");
    if (sound)
      fragment.Add({.track = 2, .key = true, .dts = at * 96'000, .duration = 96'000}, "SOUND");
    FakeShard::Item item;
    item.meta = fragment.table.Encode();
    item.body = fragment.Finish();
    item.header.duration = milliseconds(2000);
    item.header.server_time = ServerTimeFromMs(kDashNoonMs + received_ms);
    item.header.track_set = 1;
    item.header.run = run;
    if (at == 0) item.header.flags = store::kFlagStartsRun;
    shard_->Add(std::move(item));
  }
  void AddMany(int64_t count) {
    for (int64_t i = 0; i < count; ++i) Add(i * 2000, i);
  }

  std::string Manifest(Session session, std::optional<Place> place = std::nullopt,
                       bool told = false) {
    const auto resource = Ask(session, place, told);
    if (!resource.ok()) return resource.error().ToString();
    return std::string(std::get<ByteChain>(resource->parts.at(0)).Flatten().text());
  }
  Result<Resource> Ask(Session session, std::optional<Place> place, bool told) {
    return SyncWait(dash_.Manifest(name_, DashQuery{session, false, place, told},
                                   std::make_shared<const ShortNames>()));
  }
  static std::optional<Place> PlaceIn(const std::string& manifest) {
    std::smatch match;
    if (!std::regex_search(manifest, match, std::regex("again\\?([-.0-9]+)"))) return std::nullopt;
    return ParsePlace(match[1].str());
  }
  // "id@start" of each Period, with the numbers of its segments of pictures.
  static std::vector<std::string> PeriodsOf(const std::string& manifest) {
    std::vector<std::string> out;
    const std::regex period("<Period id=\"(\\d+)\" start=\"PT([0-9.]+)S\">");
    for (std::sregex_iterator at(manifest.begin(), manifest.end(), period), end; at != end; ++at) {
      const std::string rest = at->suffix().str();
      std::smatch number;
      std::smatch segments;
      std::regex_search(rest, number, std::regex("startNumber=\"(\\d+)\""));
      std::regex_search(rest, segments, std::regex("<S t=\"\\d+\" d=\"\\d+\"(?: r=\"(\\d+)\")?"));
      const int more = segments[1].matched ? std::stoi(segments[1]) : 0;
      out.push_back(fmt::format("{}@{} {}-{}", (*at)[1].str(), (*at)[2].str(), number[1].str(),
                                std::stoi(number[1]) + more));
    }
    return out;
  }
  void NowIs(int64_t ms) { clock_.SetWall(ServerTimeFromMs(kDashNoonMs + ms)); }
  Session Replay(int64_t begun_ms, int64_t to_ms = -1) {
    Session session;
    session.mode = Session::Mode::kReplay;
    session.from_us = kDashNoonMs * 1000;
    if (to_ms >= 0) session.to_us = (kDashNoonMs + to_ms) * 1000;
    session.begun = ServerTimeFromMs(kDashNoonMs + begun_ms);
    return session;
  }
  Result<Resource> Segment(uint64_t ordinal, uint32_t track) {
    HlsFileName name;
    name.kind = HlsFileName::Kind::kSegment;
    name.life = LifeOf(shard_->id());
    name.id = ordinal;
    return SyncWait(hls_.Segment(name_, name, track));
  }
  static std::string BytesOf(const Resource& resource) {
    return std::string(std::get<ByteChain>(resource.parts.at(0)).Flatten().text());
  }

  FakeStore store_;
  std::shared_ptr<FakeShard> shard_ = store_.AddStream("cam1");
  const StreamName name_ = StreamName::Parse("cam1").value();
  SimulatedClock clock_{ServerTimeFromMs(kDashNoonMs)};
  HlsService hls_{store_, clock_};
  DashService dash_{store_, clock_, hls_.damaged()};
};

TEST_F(DashServiceTest, AReloadedLiveManifestKeepsItsPeriodsWhateverFallsOut) {
  AddMany(8);
  NowIs(16'000);
  const std::string first = Manifest({});
  EXPECT_THAT(PeriodsOf(first), ElementsAre("3@1768478406 1-5"));
  const auto place = PlaceIn(first);
  ASSERT_TRUE(place);
  Add(16'700, 8);  // late: nothing moves
  NowIs(18'700);
  const std::string second = Manifest({}, place);
  EXPECT_THAT(PeriodsOf(second), ElementsAre("3@1768478406 2-6"));
  // The camera went, and came back after a minute.
  Add(80'000, 0, 10);
  Add(82'000, 1, 10);
  const std::string third = Manifest({}, PlaceIn(second));
  EXPECT_THAT(PeriodsOf(third), ElementsAre("3@1768478406 4-6", "9@1768478480 1-2"));
  for (int64_t at = 2; at < 6; ++at) Add(80'000 + at * 2000, at, 10);
  // The first Period has gone; whatever the player has missed since, the second one is where it
  // was.
  const std::string fourth = Manifest({}, PlaceIn(third));
  EXPECT_THAT(PeriodsOf(fourth), ElementsAre("9@1768478480 2-6"));
  // After a restart nothing is known but the place.
  DashService other(store_, clock_, hls_.damaged());
  const auto again = SyncWait(other.Manifest(name_, DashQuery{{}, false, PlaceIn(fourth)},
                                             std::make_shared<const ShortNames>()));
  EXPECT_EQ(PeriodsOf(BytesOf(*again)), PeriodsOf(fourth));
}

TEST_F(DashServiceTest, APlaceOfNoUseIsLeftAside) {
  AddMany(8);
  const Place gone{.first = 900, .start_us = 5, .offset_us = 0, .from = 950};
  EXPECT_THAT(PeriodsOf(Manifest({}, gone)), ElementsAre("3@1768478406 1-5"));
  NowIs(100'000);
  EXPECT_THAT(PeriodsOf(Manifest(Replay(100'000), gone)), ElementsAre("0@1768478494 1-3"));
}

TEST_F(DashServiceTest, WhatIsLoadedAgainIsNotReadAgain) {
  AddMany(8);
  Manifest({});
  EXPECT_EQ(shard_->metas, 5);
  Manifest({});
  EXPECT_EQ(shard_->metas, 5);
  Add(16'000, 8);
  Manifest({});
  EXPECT_EQ(shard_->metas, 6);
}

TEST_F(DashServiceTest, WhatCannotBeReadIsAHole) {
  AddMany(8);
  shard_->damaged.insert(5);
  EXPECT_THAT(PeriodsOf(Manifest({})), ElementsAre("3@1768478406 1-2", "6@1768478412 1-2"));
  for (uint64_t i = 0; i < 8; ++i) shard_->damaged.insert(i);
  DashService other(store_, clock_, hls_.damaged());
  const auto nothing = SyncWait(other.Manifest(name_, DashQuery{}, nullptr));
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code(), ErrorCode::kCorruption);
}

TEST_F(DashServiceTest, AReplayGivesAFragmentWhenTheOneBeforeTheOneBeforeItHasBeenPlayed) {
  AddMany(10);
  const Session session = Replay(100'000);
  NowIs(100'000);
  std::string text = Manifest(session);
  EXPECT_THAT(PeriodsOf(text), ElementsAre("0@1768478494 1-3"));
  NowIs(101'800);
  text = Manifest(session, PlaceIn(text));
  EXPECT_THAT(PeriodsOf(text), ElementsAre("0@1768478494 1-3"));
  NowIs(102'000);
  text = Manifest(session, PlaceIn(text));
  EXPECT_THAT(PeriodsOf(text), ElementsAre("0@1768478494 1-4"));
  NowIs(108'000);
  text = Manifest(session, PlaceIn(text));
  EXPECT_THAT(PeriodsOf(text), ElementsAre("0@1768478494 3-7"));
  // Who comes only now is told the same but for the Period's name.
  EXPECT_THAT(PeriodsOf(Manifest(session)), ElementsAre("2@1768478498 1-5"));
  // It goes on into what is recorded meanwhile.
  NowIs(130'000);
  EXPECT_THAT(PeriodsOf(Manifest(session, PlaceIn(text))), ElementsAre("0@1768478494 6-10"));
  Add(200'000, 0, 20);
  NowIs(202'000);
  EXPECT_THAT(PeriodsOf(Manifest(session, PlaceIn(text))),
              ElementsAre("0@1768478494 7-10", "10@1768478600 1-1"));
}

TEST_F(DashServiceTest, AReplayEndsWithItsRange) {
  AddMany(10);
  const Session session = Replay(100'000, 12'000);
  NowIs(100'000);
  const char* const end = "mediaPresentationDuration=\"PT1768478508S\"";
  const std::string text = Manifest(session);
  EXPECT_THAT(PeriodsOf(text), ElementsAre("0@1768478494 1-3"));
  EXPECT_THAT(text, HasSubstr("\"dynamic\""));
  EXPECT_THAT(text, Not(HasSubstr(end)));
  NowIs(106'000);
  const std::string later = Manifest(session, PlaceIn(text));
  EXPECT_THAT(PeriodsOf(later), ElementsAre("0@1768478494 2-6"));
  EXPECT_THAT(later, testing::AllOf(HasSubstr("\"dynamic\""), HasSubstr(end)));
  EXPECT_THAT(later, Not(HasSubstr("&amp;told")));
  NowIs(108'000);
  const std::string all = Manifest(session, PlaceIn(later));
  EXPECT_THAT(PeriodsOf(all), ElementsAre("0@1768478494 2-7"));
  EXPECT_THAT(all,
              testing::AllOf(HasSubstr("\"dynamic\""), HasSubstr(end), HasSubstr("&amp;told")));
  NowIs(110'000);
  const std::string last = Manifest(session, PlaceIn(all), true);
  EXPECT_THAT(PeriodsOf(last), ElementsAre("0@1768478494 2-7"));
  EXPECT_THAT(last, testing::AllOf(HasSubstr("\"static\""), HasSubstr(end)));
  // Who comes when it is over has what is left of it, from zero on.
  const std::string late = Manifest(session);
  EXPECT_THAT(PeriodsOf(late), ElementsAre("2@0 1-5"));
  EXPECT_THAT(late, testing::AllOf(HasSubstr("\"static\""), HasSubstr("Duration=\"PT10S\"")));
}

TEST_F(DashServiceTest, WhenAReplayEndsNothingSlidesOutOfWhatAPlayerHasNotPlayed) {
  AddMany(10);
  Session session = Replay(100'000, 12'000);
  session.entries_max = 3;
  NowIs(104'000);
  const std::string before = Manifest(session);
  EXPECT_THAT(PeriodsOf(before), ElementsAre("1@1768478496 2-4"));
  NowIs(130'000);
  const std::string all = Manifest(session, PlaceIn(before));
  EXPECT_THAT(PeriodsOf(all), ElementsAre("1@1768478496 2-6"));
  EXPECT_THAT(PeriodsOf(Manifest(session, PlaceIn(all), true)), ElementsAre("1@1768478496 2-6"));
  // That it was told all is believed when it is true.
  NowIs(104'000);
  EXPECT_THAT(Manifest(session, PlaceIn(before), true), HasSubstr("\"dynamic\""));
  NowIs(130'000);
  EXPECT_THAT(PeriodsOf(Manifest(session)), ElementsAre("4@0 1-3"));
}

TEST_F(DashServiceTest, AReplayOfTheNewestEndsAMinuteAfterItsRange) {
  AddMany(4);
  const Session session = Replay(20'000, 8'000);
  NowIs(68'000);
  EXPECT_THAT(Manifest(session), HasSubstr("\"dynamic\""));
  NowIs(68'001);
  EXPECT_THAT(Manifest(session), HasSubstr("\"static\""));
  // Without an end it goes on into what comes.
  NowIs(1'000'000);
  EXPECT_THAT(Manifest(Replay(20'000)), HasSubstr("\"dynamic\""));
}

TEST_F(DashServiceTest, APlayerThatWasAwayIsToldWhatIsDueNow) {
  AddMany(200);
  const Session session = Replay(1'000'000);
  NowIs(1'000'000);
  const auto place = PlaceIn(Manifest(session));
  NowIs(1'300'000);
  EXPECT_THAT(PeriodsOf(Manifest(session, place)), ElementsAre("148@1768479690 1-5"));
}

TEST_F(DashServiceTest, ARangeIsListedWhole) {
  AddMany(10);
  Session session;
  session.mode = Session::Mode::kOnDemand;
  session.from_us = (kDashNoonMs + 2000) * 1000;
  session.to_us = (kDashNoonMs + 12'000) * 1000;
  session.entries_max = 1000;
  const std::string text = Manifest(session);
  EXPECT_THAT(PeriodsOf(text), ElementsAre("1@0 1-6"));
  EXPECT_THAT(text, HasSubstr("mediaPresentationDuration=\"PT12S\""));
  session.entries_max = 2;
  EXPECT_THAT(PeriodsOf(Manifest(session)), ElementsAre("1@0 1-2"));
}

TEST_F(DashServiceTest, ASegmentOfOneTrackHasThatAlone) {
  Add(0, 0);
  const std::string pictures = BytesOf(Segment(0, 1).value());
  EXPECT_THAT(pictures, HasSubstr("PICTURE"));
  EXPECT_THAT(pictures, Not(HasSubstr("SOUND")));
  const Resource sound = Segment(0, 2).value();
  EXPECT_THAT(BytesOf(sound), HasSubstr("SOUND"));
  EXPECT_THAT(BytesOf(sound), Not(HasSubstr("PICTURE")));
  EXPECT_EQ(sound.content_type, "audio/mp4");
  const std::string both = BytesOf(Segment(0, kAllTracks).value());
  EXPECT_THAT(both, testing::AllOf(HasSubstr("SOUND"), HasSubstr("PICTURE")));
  EXPECT_EQ(Segment(0, 7).error().code(), ErrorCode::kNotFound);
}

TEST_F(DashServiceTest, WhereThereIsNoSoundItIsSilentAndThePeriodGoesOn) {
  Add(0, 0);
  Add(2000, 1, 1, false);
  Add(4000, 2, 1, false);
  Add(6000, 3);
  NowIs(8000);
  const std::string text = Manifest({});
  EXPECT_THAT(PeriodsOf(text), ElementsAre("0@1768478400 1-4"));
  // From 2 s on, in units of 1,024 samples: 94 of them before the first at or behind 2 s.
  EXPECT_THAT(text, HasSubstr("<S t=\"0\" d=\"96256\" r=\"1\"/>\n     <S d=\"95488\"/>\n"));
  const std::string silent = BytesOf(Segment(1, 2).value());
  EXPECT_THAT(silent, HasSubstr(std::string("tfdt\1\0\0\0\0\0\0\0\0\1\x78\0", 16)));
  EXPECT_THAT(silent, Not(HasSubstr("SOUND")));
  // What is not there is no damage.
  EXPECT_FALSE(hls_.damaged().Contains(shard_->id(), 1));
}

TEST_F(DashServiceTest, WhereSilenceCannotBeMadeAPeriodHasThePicturesAlone) {
  fragmenter::TrackConfig other = AacTrack(2);
  other.codec_private = FromHex("2b11900000");  // HE-AAC
  shard_->track_sets[1].meta = fragmenter::EncodeTrackSet({{AvcTrack(1), other}});
  Add(0, 0);
  Add(2000, 1, 1, false);
  Add(4000, 2);
  EXPECT_THAT(PeriodsOf(Manifest({})),
              ElementsAre("0@1768478400 1-1", "1@1768478402 1-1", "2@1768478404 1-1"));
  EXPECT_EQ(Segment(1, 2).error().code(), ErrorCode::kNotFound);
  EXPECT_FALSE(hls_.damaged().Contains(shard_->id(), 1));
}

TEST_F(DashServiceTest, TelephoneSoundLiesWhereItsUnitsDo) {
  shard_->track_sets[1].meta = fragmenter::EncodeTrackSet({{AvcTrack(1), TelephoneTrack(2)}});
  const std::string packet(16'000, '\x80');
  for (int64_t at = 0; at < 3; ++at) {
    Add(at * 2000, at, 1, false);
    FragmentBuilder fragment;
    fragment.Add({.track = 1, .key = true, .dts = at * 180'000, .duration = 180'000}, "PICTURE")
        .Add({.track = 2, .key = true, .dts = at * 16'000, .duration = 16'000}, packet);
    shard_->items.back().meta = fragment.table.Encode();
    shard_->items.back().body = fragment.Finish();
  }
  const std::string text = Manifest({});
  // Units of 128 ms, each in the segment that brings the last of the 2,624 samples it needs.
  EXPECT_THAT(text, HasSubstr("timescale=\"8000\" presentationTimeOffset=\"0\" startNumber=\"1\""));
  EXPECT_THAT(text, HasSubstr("<S t=\"0\" d=\"14336\"/>\n     <S d=\"15360\"/>\n"));
  const auto time_of = [&](uint64_t ordinal) {
    const std::string bytes = BytesOf(Segment(ordinal, 2).value());
    const size_t at = bytes.find("tfdt") + 14;
    return static_cast<uint8_t>(bytes[at]) * 256 + static_cast<uint8_t>(bytes[at + 1]);
  };
  EXPECT_EQ(time_of(0), 0);
  EXPECT_EQ(time_of(1), 14'336);
  EXPECT_EQ(time_of(2), 29'696);
}

}  // namespace
}  // namespace penstock::playback
