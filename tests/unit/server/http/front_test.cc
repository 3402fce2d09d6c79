// The API as a client sees it, operation by operation, without a socket.
#include "server/http/front.h"

#include "net/http/target.h"
#include "server/api/operation.h"
#include "server/api/router.h"
#include "tests/unit/server/http/front_fixture.h"

namespace penstock::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(FrontTest, EveryPatternLeadsToItsOwnOperation) {
  for (const Operation& operation : Operations()) {
    std::string path(operation.pattern);
    for (const std::string_view hole : {"{stream}", "{name}", "{file}"}) {
      const size_t at = path.find(hole);
      if (at != std::string::npos) path.replace(at, hole.size(), "x");
    }
    const auto match = FindOperation(operation.method, path);
    ASSERT_TRUE(match.ok()) << operation.method << " " << path;
    EXPECT_EQ(match->operation, &operation) << operation.method << " " << path;
  }
}

TEST_F(FrontTest, WhatIsNotThereIs404AndAWrongMethodNamesTheRightOnes) {
  EXPECT_EQ(Ask("GET", "/nothing"), 404);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/"), 404);
  EXPECT_EQ(Ask("GET", "/hls/cam"), 404);
  const net::HttpResponse response = Send(Request("PUT", "/api/v1/streams"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.Get("Allow"), "GET, POST");
  EXPECT_EQ(Ask("GET", "/api/v1/streams/a b"), 400) << "no stream has such a name";
}

TEST_F(FrontTest, StreamsAreMadeListedChangedAndDeleted) {
  EXPECT_EQ(Ask("POST", "/api/v1/streams", R"({"name":"door","retention_hours":48})"), 201)
      << text_;
  EXPECT_EQ(Ask("POST", "/api/v1/streams", R"({"name":"yard"})"), 201);
  EXPECT_EQ(json_["retention_hours"].AsInt(), 24);
  EXPECT_EQ(Ask("POST", "/api/v1/streams", R"({"name":"door"})"), 409);
  EXPECT_EQ(Ask("GET", "/api/v1/streams"), 200);
  ASSERT_EQ(json_["streams"].array().size(), 2u);
  EXPECT_EQ(json_["streams"].array()[0]["name"].AsString(), "door");
  EXPECT_EQ(json_["streams"].array()[0]["state"].AsString(), "idle");
  EXPECT_EQ(Ask("PATCH", "/api/v1/streams/door", R"({"retention_hours":0})"), 200);
  EXPECT_EQ(json_["retention_hours"].AsInt(), 0);
  EXPECT_EQ(json_["max_bytes"].AsInt(), 0);
  EXPECT_EQ(Ask("PATCH", "/api/v1/streams/door", R"({"max_bytes":50000000})"), 200) << text_;
  EXPECT_EQ(json_["max_bytes"].AsInt(), 50'000'000);
  EXPECT_EQ(json_["retention_hours"].AsInt(), 0);
  for (const char* bad : {R"({"max_bytes":1000})", R"({"max_bytes":-1})", "{}"}) {
    EXPECT_EQ(Ask("PATCH", "/api/v1/streams/door", bad), 400) << bad;
  }
  EXPECT_EQ(Ask("DELETE", "/api/v1/streams/door"), 200);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door"), 404);
  EXPECT_EQ(Ask("DELETE", "/api/v1/streams/door"), 404);
}

TEST_F(FrontTest, BadBodiesAreRefusedInWords) {
  EXPECT_EQ(Ask("POST", "/api/v1/streams", "{"), 400);
  EXPECT_EQ(Ask("POST", "/api/v1/streams", "[]"), 400);
  EXPECT_EQ(Ask("POST", "/api/v1/streams", R"({"name":"a/b"})"), 400);
  EXPECT_EQ(Ask("POST", "/api/v1/streams", R"({"nmae":"a"})"), 400);
  EXPECT_THAT(Message(), HasSubstr("did you mean 'name'?"));
  for (const char* hours : {"-1", "1.5", "\"24\"", "87601"}) {
    EXPECT_EQ(Ask("POST", "/api/v1/streams",
                  std::string(R"({"name":"a","retention_hours":)") + hours + "}"),
              400)
        << hours;
  }
  EXPECT_EQ(Ask("POST", "/api/v1/streams", std::string(100'000, ' ')), 413);
}

TEST_F(FrontTest, AListOfFragmentsIsPagedByNumber) {
  CreateStream("door");
  for (int i = 0; i < 5; ++i) AddFragment("door", 10'000 + 2000 * i, 2000 * i);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?limit=3"), 200);
  ASSERT_EQ(json_["fragments"].array().size(), 3u);
  EXPECT_EQ(json_["fragments"].array()[0]["start"].AsString(), "1970-01-01T00:00:10.000Z");
  const std::string next(json_["next"].AsString());
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?limit=3&after=" + next), 200);
  EXPECT_EQ(json_["fragments"].array().size(), 2u);
  EXPECT_TRUE(json_["next"].is_null());
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?start=12000&end=16000"), 200);
  EXPECT_EQ(json_["fragments"].array().size(), 2u);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?start=soon"), 400);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?strat=1"), 400);
  EXPECT_THAT(Message(), HasSubstr("did you mean 'start'?"));
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?limit=0"), 400);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/fragments?after=17"), 400);
}

TEST_F(FrontTest, RangesAreWhatIsStoredWithoutAHole) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  AddFragment("door", 12'000, 2000);
  AddFragment("door", 60'000, 0, 2);
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door/ranges"), 200);
  ASSERT_EQ(json_["ranges"].array().size(), 2u);
  EXPECT_EQ(json_["ranges"].array()[0]["end"].AsString(), "1970-01-01T00:00:14.000Z");
  EXPECT_EQ(json_["ranges"].array()[0]["fragments"].AsInt(), 2);
  EXPECT_TRUE(json_["next"].is_null());
}

TEST_F(FrontTest, SourcesAreAddedListedWithoutPasswordsAndRemoved) {
  EXPECT_EQ(Ask("POST", "/api/v1/sources",
                R"({"name":"door","url":"rtsp://u:hunter2@cam/1","transport":"udp"})"),
            201)
      << text_;
  EXPECT_THAT(text_, Not(HasSubstr("hunter2")));
  EXPECT_EQ(sources_.configs[0].transport, ingest::RtspTransport::kUdp);
  EXPECT_EQ(Ask("POST", "/api/v1/sources", R"({"name":"door","url":"rtsp://cam/1"})"), 409);
  EXPECT_EQ(
      Ask("POST", "/api/v1/sources", R"({"name":"x","url":"rtsp://cam/1","transport":"fax"})"),
      400);
  EXPECT_EQ(Ask("GET", "/api/v1/sources"), 200);
  EXPECT_THAT(text_, Not(HasSubstr("hunter2")));
  EXPECT_EQ(json_["sources"].array().size(), 1u);
  EXPECT_EQ(Ask("DELETE", "/api/v1/sources/door"), 200);
  EXPECT_EQ(Ask("DELETE", "/api/v1/sources/door"), 404);
}

TEST_F(FrontTest, ASourceThatHasNotConnectedYetIsShownAmongTheStreams) {
  ingest::PublicationStatus publication{*StreamName::Parse("door"), "pull", "rtsp://cam/1"};
  publication.status.state = ingest::SourceState::kFailed;
  publication.status.reason = "401: the camera refuses user 'admin'";
  sources_.publications.push_back(publication);
  EXPECT_EQ(Ask("GET", "/api/v1/streams"), 200);
  ASSERT_EQ(json_["streams"].array().size(), 1u);
  EXPECT_EQ(json_["streams"].array()[0]["state"].AsString(), "failed");
  EXPECT_EQ(json_["streams"].array()[0]["reason"].AsString(),
            "401: the camera refuses user 'admin'");
}

TEST_F(FrontTest, AKeyIsShownOnceAndWorksUntilItIsRevoked) {
  EXPECT_EQ(Ask("POST", "/api/v1/keys", R"({"user":"anna","streams":["door"]})"), 201) << text_;
  const std::string secret(json_["secret"].AsString());
  EXPECT_EQ(secret.size(), 32u);
  EXPECT_EQ(Ask("GET", "/api/v1/keys"), 200);
  EXPECT_THAT(text_, Not(HasSubstr(secret)));
  CreateStream("door");
  CreateStream("yard");
  net::HttpRequest list = Request("GET", "/api/v1/streams");
  list.peer.address = "10.0.0.9";
  list.headers.Add("Authorization", "Bearer " + secret);
  const std::string seen = BodyOf(Send(list));
  EXPECT_THAT(seen, HasSubstr("door"));
  EXPECT_THAT(seen, Not(HasSubstr("yard"))) << "a key sees its own streams only";
  EXPECT_EQ(Ask("DELETE", "/api/v1/keys/anna"), 200);
  EXPECT_EQ(Send(list).status, 401);
}

TEST_F(FrontTest, FromElsewhereWithoutAKeyOnlyThePageAndItsHealthAreOpen) {
  for (const Operation& operation : Operations()) {
    std::string path(operation.pattern);
    for (const std::string_view hole : {"{stream}", "{name}", "{file}"}) {
      const size_t at = path.find(hole);
      if (at != std::string::npos) path.replace(at, hole.size(), hole == "{file}" ? "app.js" : "x");
    }
    net::HttpRequest request = Request(std::string(operation.method), path);
    request.peer.address = "10.0.0.9";
    const int status = Send(std::move(request)).status;
    if (operation.door == Door::kOpen) {
      EXPECT_LT(status, 300) << path;
    } else if (operation.door == Door::kSession) {
      EXPECT_EQ(status, 403) << path;
    } else {
      EXPECT_EQ(status, 401) << path;
    }
  }
}

TEST_F(FrontTest, PlaybackMayBeReadByAnyOriginEvenItsRefusals) {
  net::HttpRequest request = Request("GET", "/hls/door/index.m3u8");
  request.headers.Add("Origin", "https://elsewhere.example");
  const net::HttpResponse refused = Send(std::move(request));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.Get("Access-Control-Allow-Origin"), "*");
  EXPECT_THAT(std::string(refused.headers.Get("WWW-Authenticate")), HasSubstr("Basic"));
  const net::HttpResponse preflight = Send(Request("OPTIONS", "/hls/door/index.m3u8"));
  EXPECT_EQ(preflight.status, 204);
  EXPECT_THAT(std::string(preflight.headers.Get("Access-Control-Allow-Headers")),
              HasSubstr("Authorization"));
}

TEST_F(FrontTest, TheApiNeverAsksForBasicAndMayNotBeReadByOtherOrigins) {
  net::HttpRequest request = Request("GET", "/api/v1/streams");
  request.peer.address = "10.0.0.9";
  const net::HttpResponse refused = Send(std::move(request));
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(std::string(refused.headers.Get("WWW-Authenticate")), Not(HasSubstr("Basic")));
  EXPECT_FALSE(refused.headers.Has("Access-Control-Allow-Origin"));
}

TEST_F(FrontTest, AKeyInThePathPlaysAndStaysOutOfTheOperation) {
  CreateStream("door");
  const AccessKey key = *SyncWait(keys_->Create("v", Role::kViewer, {}));
  net::HttpRequest request = Request("GET", "/hls/t/" + key.secret + "/nothere/index.m3u8");
  request.peer.address = "10.0.0.9";
  const net::HttpResponse response = Send(std::move(request));
  EXPECT_EQ(response.status, 404) << "the key is good; there is no such stream";
}

TEST_F(FrontTest, ARewindIsSentToTheListOfItsFirstFragmentWithItsKey) {
  CreateStream("door");
  AddFragment("door", 10'000, 0);
  const AccessKey key = *SyncWait(keys_->Create("v", Role::kViewer, {}));
  net::HttpRequest request =
      Request("GET", "/hls/door/index.m3u8?start=10000&key=" + net::PercentEncode(key.secret));
  request.peer.address = "10.0.0.9";
  const net::HttpResponse response = Send(std::move(request));
  EXPECT_EQ(response.status, 307);
  EXPECT_EQ(response.headers.Get("Location"),
            "index.m3u8?first=0&key=" + net::PercentEncode(key.secret));
  EXPECT_EQ(response.headers.Get("Access-Control-Allow-Origin"), "*");
}

TEST_F(FrontTest, TooLongAStoredRangeIs400WithTheLimit) {
  CreateStream("door");
  EXPECT_EQ(Ask("GET", "/hls/door/index.m3u8?start=0&end=99999999"), 400);
  EXPECT_EQ(Ask("GET", "/hls/door/index.m3u8?strat=0"), 400);
}

TEST_F(FrontTest, HealthIsWhetherAFragmentCouldBeStored) {
  EXPECT_EQ(Ask("GET", "/healthz"), 200);
  store_.stats.full = true;
  EXPECT_EQ(Ask("GET", "/healthz"), 503);
  EXPECT_EQ(json_["status"].AsString(), "full");
  store_.stats.read_only = true;
  EXPECT_EQ(Ask("GET", "/healthz"), 503);
  EXPECT_EQ(json_["status"].AsString(), "read-only");
}

TEST_F(FrontTest, MetricsNameTheStoreAndTheStreams) {
  store_.stats.volume_bytes = 12345;
  ingest::PublicationStatus publication{*StreamName::Parse("door"), "push", "10.0.0.7"};
  publication.status.state = ingest::SourceState::kRecording;
  sources_.publications.push_back(publication);
  EXPECT_EQ(Ask("GET", "/metrics"), 200);
  EXPECT_THAT(text_, HasSubstr("penstock_store_volume_bytes 12345\n"));
  EXPECT_THAT(text_, HasSubstr("penstock_stream_recording{stream=\"door\"} 1\n"));
  EXPECT_THAT(text_, HasSubstr("penstock_http_requests_total{status=\"2xx\"}"));
}

TEST_F(FrontTest, MetricsAreForThoseWhoMaySeeEveryStream) {
  const AccessKey key = *SyncWait(keys_->Create("v", Role::kViewer, {"door"}));
  net::HttpRequest request = Request("GET", "/metrics?key=" + key.secret);
  request.query = {{"key", key.secret}};
  EXPECT_EQ(Send(std::move(request)).status, 403);
}

TEST_F(FrontTest, ThePageIsStrictAboutWhereItsPartsComeFrom) {
  const net::HttpResponse page = Send(Request("GET", "/"));
  EXPECT_EQ(page.status, 200);
  const std::string policy(page.headers.Get("Content-Security-Policy"));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(page.headers.Get("X-Content-Type-Options"), "nosniff");
  const std::string html = BodyOf(page);
  EXPECT_THAT(html, Not(HasSubstr("://cdn"))) << "everything is served from here";
  // Whatever the page names is there.
  for (size_t at = 0; (at = html.find("/assets/", at)) != std::string::npos; ++at) {
    const std::string asset = html.substr(at, html.find('"', at) - at);
    EXPECT_EQ(Ask("GET", asset), 200) << asset;
  }
}

TEST_F(FrontTest, EveryAnswerCarriesARequestId) {
  EXPECT_EQ(Send(Request("GET", "/healthz")).headers.Get("Penstock-Request-Id").size(), 16u);
  EXPECT_NE(Send(Request("GET", "/x")).headers.Get("Penstock-Request-Id"),
            Send(Request("GET", "/x")).headers.Get("Penstock-Request-Id"));
}

}  // namespace
}  // namespace penstock::server
