// Exports as a client sees them: what the head promises, what comes, what is left out.
#include "tests/unit/server/http/front_fixture.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;
using testing::Not;

using ExportTest = FrontTest;

TEST_F(ExportTest, AnExportIsHeaderAndClustersWithTheirTotalsAhead) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  AddFragment("door", 14'000, 0, 2, 7);
  const net::HttpResponse response = Send(Request("GET", "/api/v1/streams/door/export"));
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("Penstock-Export-Fragments"), "3");
  EXPECT_EQ(response.headers.Get("Penstock-Export-First"), "0");
  EXPECT_EQ(response.headers.Get("Penstock-Export-Last"), "2");
  EXPECT_EQ(response.headers.Get("Penstock-Export-Next"), "2");
  EXPECT_THAT(std::string(response.headers.Get("Content-Disposition")), HasSubstr("door.mkv"));
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(response.stream(body)).ok());
  const auto place = [&](std::string_view text) { return body->text.find(text); };
  EXPECT_EQ(place("<header 1>"), 0u);
  EXPECT_LT(place("[10000]"), place("[12000]"));
  EXPECT_LT(place("[12000]"), place("<header 7>"));
  EXPECT_LT(place("<header 7>"), place("[14000]"));
  EXPECT_EQ(response.headers.Get("Penstock-Export-Bytes"), std::to_string(body->text.size()));
}

TEST_F(ExportTest, AnMp4IsAnInitSegmentAndAMoofForEachFragment) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  const net::HttpResponse response = Send(Request("GET", "/api/v1/streams/door/export?format=mp4"));
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("Content-Type"), "video/mp4");
  EXPECT_EQ(response.headers.Get("Penstock-Export-Bytes"), "");
  EXPECT_THAT(std::string(response.headers.Get("Content-Disposition")), HasSubstr("door.mp4"));
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(response.stream(body)).ok());
  EXPECT_EQ(body->text.find("ftyp"), 4u);
  const size_t first = body->text.find("moof");
  const size_t second = body->text.find("moof", first + 4);
  ASSERT_NE(second, std::string::npos);
  EXPECT_EQ(body->text.find("moof", second + 4), std::string::npos);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?format=avi"), 400);
}

TEST_F(ExportTest, AnExportOfNothingSaysSoBeforeItsFirstByte) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?start=20000"), 404);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?start=20000&end=20000"), 400);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/yard/export"), 404);
}

TEST_F(ExportTest, AnExportThatMeetsDamageEndsInAnErrorNotInAShorterFile) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  store_.Shard("door").unreadable = 1;
  const net::HttpResponse response = Send(Request("GET", "/api/v1/streams/door/export"));
  const Status written = SyncWait(response.stream(std::make_shared<CollectedBody>()));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code(), ErrorCode::kCorruption);
}

TEST_F(ExportTest, AnExportGoesOnBehindDamageWhenItIsAskedTo) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  AddFragment("door", 14'000, 4000);
  store_.Shard("door").unreadable = 1;
  const net::HttpResponse response =
      Send(Request("GET", "/api/v1/streams/door/export?damaged=skip"));
  EXPECT_EQ(response.headers.Get("Penstock-Export-Fragments"), "3");
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(response.stream(body)).ok());
  EXPECT_THAT(body->text, HasSubstr("[10000]"));
  EXPECT_THAT(body->text, Not(HasSubstr("[12000]")));
  EXPECT_THAT(body->text, HasSubstr("[14000]"));
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?damaged=keep"), 400);
}

TEST_F(ExportTest, ADocumentOfAnExportIsOneTrackSet) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  AddFragment("door", 14'000, 0, 2, 7);
  const net::HttpResponse first =
      Send(Request("GET", "/api/v1/streams/door/export?document=first"));
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(first.headers.Get("Penstock-Export-Fragments"), "2");
  ASSERT_EQ(first.headers.Get("Penstock-Export-Next"), "2");
  const net::HttpResponse second =
      Send(Request("GET", "/api/v1/streams/door/export?document=first&first=2"));
  EXPECT_EQ(second.headers.Get("Penstock-Export-Fragments"), "1");
  EXPECT_EQ(second.headers.Get("Penstock-Export-Next"), "");
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(second.stream(body)).ok());
  EXPECT_EQ(body->text.find("<header 7>"), 0u);
  EXPECT_THAT(body->text, Not(HasSubstr("<header 1>")));
  EXPECT_THAT(body->text, HasSubstr("[14000]"));
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?first=3"), 404);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?first=x"), 400);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?first=1&start=10000"), 400);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/export?document=2"), 400);
}

TEST_F(ExportTest, WhatComesWhileAnExportRunsIsNoPartOfIt) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  const std::string last(
      Send(Request("GET", "/api/v1/streams/door/export")).headers.Get("Penstock-Export-Last"));
  AddFragment("door", 14'000, 4000);
  const net::HttpResponse response =
      Send(Request("GET", "/api/v1/streams/door/export?first=0&last=" + last));
  EXPECT_EQ(response.headers.Get("Penstock-Export-Fragments"), "2");
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(response.stream(body)).ok());
  EXPECT_THAT(body->text, Not(HasSubstr("[14000]")));
}

TEST_F(ExportTest, ADamagedFirstFragmentLeavesOneHeader) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  store_.Shard("door").unreadable = 0;
  const net::HttpResponse response =
      Send(Request("GET", "/api/v1/streams/door/export?damaged=skip"));
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(response.stream(body)).ok());
  EXPECT_EQ(body->text.find("<header 1>"), body->text.rfind("<header 1>"));
  EXPECT_THAT(body->text, HasSubstr("[12000]"));
}

}  // namespace
}  // namespace penstock::server
