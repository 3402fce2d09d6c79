// Holds over the API: what is taken, what is told, and who may.
#include "tests/unit/server/http/front_fixture.h"

namespace penstock::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kHolds[] = "/api/v1/streams/door/holds";
constexpr char kNoonToOne[] =
    R"({"start": "2026-01-15T12:00:00Z", "end": "2026-01-15T13:00:00Z", "note": "a parcel"})";

class HoldsApiTest : public FrontTest {
 protected:
  HoldsApiTest() {
    CreateStream("door");
    CreateStream("yard");
  }
  std::vector<std::string> Ids(const std::string& path) {
    EXPECT_EQ(Ask("GET", path), 200) << text_;
    std::vector<std::string> out;
    for (const Json& hold : json_["holds"].array()) out.emplace_back(hold["id"].AsString());
    return out;
  }
  void ExpectRefused(std::string body, std::string_view words) {
    EXPECT_EQ(Ask("POST", kHolds, body), 400) << body;
    EXPECT_THAT(Message(), HasSubstr(words)) << body;
  }
};

TEST_F(HoldsApiTest, OneIsMadeListedAndReleased) {
  EXPECT_EQ(Ask("POST", kHolds, kNoonToOne), 201) << text_;
  const std::string id(json_["id"].AsString());
  EXPECT_EQ(json_["stream"].AsString(), "door");
  EXPECT_EQ(json_["start"].AsString(), "2026-01-15T12:00:00.000Z");
  EXPECT_EQ(json_["end"].AsString(), "2026-01-15T13:00:00.000Z");
  EXPECT_EQ(json_["note"].AsString(), "a parcel");
  EXPECT_EQ(json_["created"].AsString(), FormatRfc3339(clock_.Now()));
  EXPECT_TRUE(json_["gone_before"].is_null());
  EXPECT_EQ(Ask("POST", "/api/v1/streams/yard/holds", R"({"start": 1000, "end": "2000"})"), 201)
      << text_;
  const std::string other(json_["id"].AsString());
  EXPECT_EQ(json_["start"].AsString(), "1970-01-01T00:00:01.000Z");
  EXPECT_THAT(Ids(kHolds), ElementsAre(id));
  EXPECT_THAT(Ids("/api/v1/holds"), ElementsAre(id, other));

  EXPECT_EQ(Ask("DELETE", std::string(kHolds) + "/" + other), 404) << "it is another stream's";
  EXPECT_THAT(Message(), HasSubstr("door has no hold"));
  EXPECT_EQ(Ask("DELETE", std::string(kHolds) + "/" + id), 200) << text_;
  EXPECT_EQ(json_["released"].AsString(), id);
  EXPECT_EQ(Ask("DELETE", std::string(kHolds) + "/" + id), 404);
  EXPECT_THAT(Ids("/api/v1/holds"), ElementsAre(other));
}

TEST_F(HoldsApiTest, WhatOfItHadGoneIsTold) {
  store_.gone_before = ServerTimeFromMs(1'768'480'000'000);
  EXPECT_EQ(Ask("POST", kHolds, kNoonToOne), 201);
  EXPECT_EQ(json_["gone_before"].AsString(), "2026-01-15T12:26:40.000Z");
}

TEST_F(HoldsApiTest, WhatIsNotUnderstoodIsRefusedInWords) {
  ExpectRefused("{}", "start: a time is wanted");
  ExpectRefused(R"({"start": "12:00", "end": 5})", "start");
  ExpectRefused(R"({"start": 5})", "end: a time is wanted");
  ExpectRefused(R"({"start": 5, "end": -5})", "end");
  ExpectRefused(R"({"start": 5, "end": 5})", "end has to be after start");
  ExpectRefused(R"({"start": 5, "end": 6, "notes": "x"})", "did you mean 'note'");
  ExpectRefused(R"({"start": 5, "end": 6, "note": 7})", "note: one line");
  ExpectRefused(R"({"start": 5, "end": 6, "note": "a\u001b[2J"})", "note: one line");
  EXPECT_EQ(Ask("POST", "/api/v1/streams/none/holds", kNoonToOne), 404);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/none/holds"), 404);
  EXPECT_EQ(Ask("DELETE", "/api/v1/streams/none/holds/x"), 404);
  EXPECT_TRUE(Ids("/api/v1/holds").empty());
}

TEST_F(HoldsApiTest, OnlyAnAdministratorMay) {
  const auto key = SyncWait(keys_->Create("anna", Role::kViewer, {})).value();
  for (const char* method : {"GET", "POST"}) {
    net::HttpRequest request = Request(method, kHolds, kNoonToOne);
    request.headers.Add("Authorization", "Bearer " + key.secret);
    EXPECT_EQ(Send(std::move(request)).status, 403) << method;
  }
  EXPECT_TRUE(Ids("/api/v1/holds").empty());
}

TEST_F(HoldsApiTest, AStreamWithOneIsNotDeleted) {
  EXPECT_EQ(Ask("POST", kHolds, kNoonToOne), 201);
  const std::string id(json_["id"].AsString());
  EXPECT_EQ(Ask("DELETE", "/api/v1/streams/door"), 409);
  EXPECT_THAT(Message(), HasSubstr("hold"));
  EXPECT_EQ(Ask("DELETE", std::string(kHolds) + "/" + id), 200);
  EXPECT_EQ(Ask("DELETE", "/api/v1/streams/door"), 200) << text_;
}

TEST_F(HoldsApiTest, WhatIsHeldIsCountedApart) {
  for (int64_t i = 0; i < 6; ++i) AddFragment("door", i * 2000, i * 2000);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door"), 200);
  const int64_t whole = json_["bytes"].AsInt();
  EXPECT_EQ(json_["held_bytes"].AsInt(), 0);
  store_.Shard("door").Expire(4);
  store_.Shard("door").Hold(1, 3);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door"), 200);
  EXPECT_EQ(json_["items"].AsInt(), 2);
  EXPECT_EQ(json_["held_items"].AsInt(), 2);
  EXPECT_LT(json_["bytes"].AsInt() + json_["held_bytes"].AsInt(), whole);
  EXPECT_GT(json_["held_bytes"].AsInt(), 0);
  store_.stats.holds = 1;
  store_.stats.held_bytes = 77;
  EXPECT_EQ(Ask("GET", "/api/v1/store"), 200);
  EXPECT_EQ(json_["holds"].AsInt(), 1);
  EXPECT_EQ(json_["held_bytes"].AsInt(), 77);
}

TEST_F(HoldsApiTest, FragmentsAndAnExportGoOnBehindWhatHasGone) {
  for (int64_t i = 0; i < 6; ++i) AddFragment("door", i * 2000, i * 2000);
  store_.Shard("door").Expire(4);
  store_.Shard("door").Hold(1, 3);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?limit=2"), 200);
  EXPECT_EQ(json_["fragments"].array().back()["ordinal"].AsInt(), 2);
  const std::string next(json_["next"].AsString());
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?after=" + next), 200);
  EXPECT_EQ(json_["fragments"].array().front()["ordinal"].AsInt(), 4);
  const net::HttpResponse response = Send(Request("GET", "/api/v1/streams/door/export"));
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("Penstock-Export-Fragments"), "4");
  const auto body = std::make_shared<CollectedBody>();
  ASSERT_TRUE(SyncWait(response.stream(body)).ok());
  for (const char* there : {"[2000]", "[4000]", "[8000]", "[10000]"})
    EXPECT_THAT(body->text, HasSubstr(there));
  for (const char* gone : {"[0]", "[6000]"}) EXPECT_THAT(body->text, Not(HasSubstr(gone)));
}

}  // namespace
}  // namespace penstock::server
