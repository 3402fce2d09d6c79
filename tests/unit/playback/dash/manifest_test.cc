#include "playback/dash/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/playback/dash/timed_fragments.h"

namespace penstock::playback {
namespace {

using Fragments = std::vector<TimedFragment>;
using testing::HasSubstr;
using testing::Not;

const ShortNames kNames;

std::string Static(const Fragments& fragments, ManifestShape shape = {}) {
  shape.names = &kNames;
  shape.longest_us = 2'000'000;
  return RenderManifest(MakePeriods(fragments, {}), shape);
}

std::string Head() {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:kvs="http://kinesisvideo.amazonaws.com/dash" profiles="urn:mpeg:dash:profile:isoff-live:2011")";
}

// The parts of a Period that these tests do not differ in.
std::string Pictures(int first, int set, const char* head, const char* segments) {
  return fmt::format(
      R"(  <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
   <SegmentTemplate timescale="90000" {}
    initialization="i{}&amp;t1"
    media="f{}&amp;t1&amp;n$Number$">
    <SegmentTimeline>
{}    </SegmentTimeline>
   </SegmentTemplate>
   <Representation id="1" codecs="avc1.4d401f" bandwidth="1000000" width="1280" height="720"/>
  </AdaptationSet>
)",
      head, set, first, segments);
}
std::string Sound(int first, int set, const char* head, const char* segments,
                  int bandwidth = 64'000) {
  return fmt::format(
      R"(  <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
   <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
   <SegmentTemplate timescale="48000" {}
    initialization="i{}&amp;t2"
    media="f{}&amp;t2&amp;n$Number$">
    <SegmentTimeline>
{}    </SegmentTimeline>
   </SegmentTemplate>
   <Representation id="2" codecs="mp4a.40.2" bandwidth="{}" audioSamplingRate="48000"/>
  </AdaptationSet>
)",
      head, set, first, segments, bandwidth);
}

TEST(ManifestTest, WhatGoesOnIsOnePeriodWithASetForEachTrack) {
  const Fragments fragments = {FragmentOf(3, 4000, 6000), FragmentOf(4, 6000, 8000),
                               FragmentOf(5, 8000, 10'000), FragmentOf(6, 10'000, 11'500)};
  Fragments shorter = fragments;
  for (TrackSpan& span : shorter.back().spans) span.bytes = span.bytes * 3 / 4;
  EXPECT_EQ(
      Static(shorter),
      Head() +
          R"( type="static" mediaPresentationDuration="PT7.5S" availabilityStartTime="2026-01-15T12:00:04.000Z" minBufferTime="PT2S" maxSegmentDuration="PT2S">
 <Period id="3" start="PT0S">
)" +
          Pictures(3, 1, R"(presentationTimeOffset="360000" startNumber="1")",
                   "     <S t=\"360000\" d=\"180000\" r=\"2\"/>\n     <S d=\"135000\"/>\n") +
          Sound(3, 1, R"(presentationTimeOffset="192000" startNumber="1")",
                "     <S t=\"192000\" d=\"96000\" r=\"2\"/>\n     <S d=\"72000\"/>\n") +
          " </Period>\n</MPD>\n");
}

TEST(ManifestTest, SoundThatBeginsLaterThanThePicturesSaysSo) {
  Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 2000, 4000)};
  fragments[0].spans[1].begin = 31'200;  // 0.65 s
  fragments[0].spans[1].end = 95'712;
  fragments[0].spans[1].bytes = 8'000;
  fragments[1].spans[1].begin = 95'712;
  const std::string text = Static(fragments);
  EXPECT_THAT(text, HasSubstr(Pictures(0, 1, R"(presentationTimeOffset="0" startNumber="1")",
                                       "     <S t=\"0\" d=\"180000\" r=\"1\"/>\n")));
  EXPECT_THAT(
      text, HasSubstr(Sound(0, 1, R"(presentationTimeOffset="0" startNumber="1")",
                            "     <S t=\"31200\" d=\"64512\"/>\n     <S d=\"96288\"/>\n", 63'808)));
}

TEST(ManifestTest, AfterADiscontinuityAPeriodWithItsOwnOriginFollowsAtOnce) {
  const Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 2000, 4000),
                               FragmentOf(3, 60'000, 62'000)};
  EXPECT_EQ(
      Static(fragments),
      Head() +
          R"( type="static" mediaPresentationDuration="PT6S" availabilityStartTime="2026-01-15T12:00:00.000Z" minBufferTime="PT2S" maxSegmentDuration="PT2S">
 <Period id="0" start="PT0S">
)" +
          Pictures(0, 1, R"(presentationTimeOffset="0" startNumber="1")",
                   "     <S t=\"0\" d=\"180000\" r=\"1\"/>\n") +
          Sound(0, 1, R"(presentationTimeOffset="0" startNumber="1")",
                "     <S t=\"0\" d=\"96000\" r=\"1\"/>\n") +
          " </Period>\n <Period id=\"3\" start=\"PT4S\">\n" +
          Pictures(3, 1, R"(presentationTimeOffset="5400000" startNumber="1")",
                   "     <S t=\"5400000\" d=\"180000\"/>\n") +
          Sound(3, 1, R"(presentationTimeOffset="2880000" startNumber="1")",
                "     <S t=\"2880000\" d=\"96000\"/>\n") +
          " </Period>\n</MPD>\n");
}

TEST(ManifestTest, OtherTracksAreAPeriodOfTheirOwn) {
  Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 0, 2000, 2, 5)};
  fragmenter::TrackConfig small = AvcTrack(1);
  small.width = 640;
  small.height = 360;
  fragments[1].tracks = std::make_shared<const fragmenter::TrackSet>(fragmenter::TrackSet{{small}});
  fragments[1].spans.pop_back();
  const std::string text = Static(fragments);
  const std::string second = text.substr(text.find(R"( <Period id="1" start="PT2S">)"));
  EXPECT_EQ(second,
            R"( <Period id="1" start="PT2S">
  <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
   <SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="1"
    initialization="i5&amp;t1"
    media="f1&amp;t1&amp;n$Number$">
    <SegmentTimeline>
     <S t="0" d="180000"/>
    </SegmentTimeline>
   </SegmentTemplate>
   <Representation id="1" codecs="avc1.4d401f" bandwidth="1000000" width="640" height="360"/>
  </AdaptationSet>
 </Period>
</MPD>
)");
}

TEST(ManifestTest, ALiveWindowMovesAndItsPeriodStays) {
  Fragments fragments;
  for (uint64_t i = 0; i < 7; ++i)
    fragments.push_back(FragmentOf(20 + i, static_cast<int64_t>(i) * 2000 + 1000,
                                   static_cast<int64_t>(i) * 2000 + 3000));
  ManifestShape shape;
  shape.dynamic = shape.by_clock = true;
  shape.now = ServerTimeFromMs(kDashNoonMs + 15'500);
  shape.entries_max = 5;
  shape.longest_us = 2'000'000;
  shape.names = &kNames;
  const Timeline timeline{.start_us = (kDashNoonMs + 1000) * 1000, .by_clock = true};
  auto periods = MakePeriods(fragments, timeline);
  DropBefore(22, periods);
  EXPECT_EQ(
      RenderManifest(periods, shape),
      Head() +
          R"( type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="2026-01-15T12:00:15.500Z" minimumUpdatePeriod="PT1S" timeShiftBufferDepth="PT10S" suggestedPresentationDelay="PT6S" minBufferTime="PT2S" maxSegmentDuration="PT2S">
 <Location>again?20.1768478401000000.1000000.22</Location>
 <Period id="20" start="PT1768478401S">
)" +
          Pictures(20, 1, R"(presentationTimeOffset="90000" startNumber="3")",
                   "     <S t=\"450000\" d=\"180000\" r=\"4\"/>\n") +
          Sound(20, 1, R"(presentationTimeOffset="48000" startNumber="3")",
                "     <S t=\"240000\" d=\"96000\" r=\"4\"/>\n") +
          R"( </Period>
 <UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-15T12:00:15.500Z"/>
</MPD>
)");
}

TEST(ManifestTest, AnEndIsToldBeforeAllIsToldAndThenNothingGoesAndThenItIsStatic) {
  const Fragments fragments = {FragmentOf(0, 0, 2000)};
  const auto periods = MakePeriods(fragments, {.start_us = 5'000'000, .by_clock = true});
  ManifestShape shape;
  shape.dynamic = shape.by_clock = true;
  shape.end_us = 9'000'000;
  shape.names = &kNames;
  const std::string end = RenderManifest(periods, shape);
  for (const char* part : {"\"dynamic\"", " mediaPresentationDuration=\"PT9S\"",
                           "minimumUpdatePeriod", "timeShiftBufferDepth", "again?0.5000000.0.0<"})
    EXPECT_THAT(end, HasSubstr(part));
  shape.end_us = 7'000'000;
  shape.told = true;
  const std::string told = RenderManifest(periods, shape);
  for (const char* part : {"\"dynamic\"", " mediaPresentationDuration=\"PT7S\"",
                           "minimumUpdatePeriod", "again?0.5000000.0.0&amp;told<"})
    EXPECT_THAT(told, HasSubstr(part));
  EXPECT_THAT(told, Not(HasSubstr("timeShiftBufferDepth")));
  shape.dynamic = false;
  const std::string stays = RenderManifest(periods, shape);
  for (const char* part : {"\"static\"", " mediaPresentationDuration=\"PT7S\"",
                           "availabilityStartTime=\"1970-01-01T00:00:00Z\""})
    EXPECT_THAT(stays, HasSubstr(part));
  for (const char* gone : {"minimumUpdatePeriod", "Location", "timeShiftBufferDepth", "UTCTiming"})
    EXPECT_THAT(stays, Not(HasSubstr(gone)));
  EXPECT_EQ(
      stays.substr(stays.find("<Period")),
      told.substr(told.find("<Period"), told.find(" <UTC") - told.find("<Period")) + "</MPD>\n");
}

TEST(ManifestTest, EachSegmentTellsItsTimeAndNumberIfThatIsWanted) {
  const Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 2000, 4000)};
  ManifestShape shape;
  shape.times = shape.numbers = true;
  const std::string first = fragments[0].header.number.ToString();
  const std::string second = fragments[1].header.number.ToString();
  EXPECT_THAT(Static(fragments, shape),
              HasSubstr(fmt::format("<S t=\"0\" d=\"180000\" kvs:ts=\"1768478400000\" "
                                    "kvs:fn=\"{}\"/>\n     <S d=\"180000\" "
                                    "kvs:ts=\"1768478402000\" kvs:fn=\"{}\"/>\n",
                                    first, second)));
  shape.numbers = false;
  shape.by_producer = true;
  const std::string by_producer = Static(fragments, shape);
  EXPECT_THAT(by_producer, HasSubstr("<S d=\"180000\" kvs:ts=\"1768478402007\"/>"));
  EXPECT_THAT(by_producer, HasSubstr("availabilityStartTime=\"2026-01-15T12:00:00.007Z\""));
}

TEST(ManifestTest, WithoutAKeyFrameThereIsNoPromiseOfRandomAccess) {
  Fragments fragments = {FragmentOf(0, 0, 2000), FragmentOf(1, 2000, 4000)};
  fragments[1].header.flags = store::kFlagNoKeyframe;
  const std::string text = Static(fragments);
  EXPECT_THAT(text, HasSubstr("mimeType=\"video/mp4\" segmentAlignment=\"true\">"));
  EXPECT_THAT(text, HasSubstr("mimeType=\"audio/mp4\" segmentAlignment=\"true\" startWithSAP"));
}

}  // namespace
}  // namespace penstock::playback
