#include "playback/hls/playlist_query.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::playback {
namespace {

using testing::HasSubstr;
using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(PlaylistQuery, NothingMeansLive) {
  EXPECT_EQ(ParsePlaylistQuery(Pairs{}).value(), PlaylistQuery());
}

TEST(PlaylistQuery, BothFormsOfTimeAreOneTime) {
  const PlaylistQuery text =
      ParsePlaylistQuery(Pairs{{"start", "2026-01-15T13:00:00+01:00"}}).value();
  const PlaylistQuery digits = ParsePlaylistQuery(Pairs{{"start", "1768478400000"}}).value();
  EXPECT_EQ(text, digits);
  EXPECT_FALSE(text.end.has_value());
}

TEST(PlaylistQuery, ARangeHasBothEnds) {
  const PlaylistQuery query =
      ParsePlaylistQuery(Pairs{{"end", "1768478460000"}, {"start", "1768478400000"}}).value();
  EXPECT_EQ(ToMs(*query.end) - ToMs(*query.start), 60'000);
}

TEST(PlaylistQuery, ARewindGoesOnFromANumber) {
  EXPECT_EQ(ParsePlaylistQuery(Pairs{{"first", "17"}}).value().first, 17u);
}

struct Refusal {
  Pairs pairs;
  ErrorCode code;
  const char* text;
};

TEST(PlaylistQuery, WhatIsWrongIsSaidInWords) {
  const Refusal refusals[] = {
      {{{"strat", "1"}}, ErrorCode::kInvalidArgument, "unknown parameter 'strat'"},
      {{{"start", "yesterday"}}, ErrorCode::kInvalidArgument, "start='yesterday' is not a time"},
      {{{"start", ""}}, ErrorCode::kInvalidArgument, "start='' is not a time"},
      {{{"start", "1"}, {"start", "2"}}, ErrorCode::kInvalidArgument, "start is given twice"},
      {{{"first", "-1"}}, ErrorCode::kInvalidArgument, "first='-1' is not the number"},
      {{{"first", "1x"}}, ErrorCode::kInvalidArgument, "first='1x' is not the number"},
      {{{"first", "1"}, {"first", "2"}}, ErrorCode::kInvalidArgument, "first is given twice"},
      {{{"first", "1"}, {"start", "1"}}, ErrorCode::kInvalidArgument, "first goes without"},
      {{{"end", "1"}}, ErrorCode::kInvalidArgument, "end needs a start"},
      {{{"start", "5"}, {"end", "5"}}, ErrorCode::kInvalidArgument, "end must be after start"},
      {{{"start", "0"}, {"end", "21600001"}}, ErrorCode::kTooLarge, "at most 6 hours"},
      {{{"<b>\x01", "1"}}, ErrorCode::kInvalidArgument, "'?b?"},
  };
  for (const Refusal& refusal : refusals) {
    const Result<PlaylistQuery> query = ParsePlaylistQuery(refusal.pairs);
    ASSERT_FALSE(query.ok()) << refusal.text;
    EXPECT_EQ(query.error().code(), refusal.code) << refusal.text;
    EXPECT_THAT(query.error().message(), HasSubstr(refusal.text));
  }
}

TEST(PlaylistQuery, SixHoursAreAllowed) {
  EXPECT_TRUE(ParsePlaylistQuery(Pairs{{"start", "0"}, {"end", "21600000"}}).ok());
}

TEST(PlaylistQuery, TimesAtTheEndsOfTheCalendarDoNotOverflow) {
  const Result<PlaylistQuery> query =
      ParsePlaylistQuery(Pairs{{"start", "0000-01-01T00:00:00Z"}, {"end", "9223372036854775807"}});
  EXPECT_FALSE(query.ok());
}

}  // namespace
}  // namespace penstock::playback
