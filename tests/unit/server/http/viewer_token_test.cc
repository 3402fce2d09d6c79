// What a viewer token opens, and what it does not, operation by operation, without a socket.
#include "server/api/operation.h"
#include "tests/unit/server/http/front_fixture.h"

namespace penstock::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ViewerTokenDoorTest : public FrontTest {
 protected:
  ViewerTokenDoorTest() {
    CreateStream("door");
    CreateStream("yard");
    AddFragment("door", 10'000, 0);
  }
  // A request from another machine.
  net::HttpRequest From(std::string method, std::string target, const std::string& secret,
                        std::string body = "") {
    net::HttpRequest request = Request(std::move(method), std::move(target), std::move(body));
    request.peer.address = "10.0.0.9";
    request.headers.Set("Host", "cam.example:8080");
    if (!secret.empty()) request.headers.Add("Authorization", "Bearer " + secret);
    return request;
  }
  // As Ask, from another machine.
  int AskWith(const std::string& secret, std::string method, std::string target,
              std::string body = "") {
    const net::HttpResponse response =
        Send(From(std::move(method), std::move(target), secret, std::move(body)));
    text_ = BodyOf(response);
    auto parsed = Json::Parse(text_);
    json_ = parsed.ok() ? *parsed : Json();
    return response.status;
  }
  std::string MakeToken(const char* stream, const char* body = "{}") {
    EXPECT_EQ(Ask("POST", std::string("/api/v1/streams/") + stream + "/tokens", body), 201)
        << text_;
    return std::string(json_["token"].AsString());
  }
  std::string Reason() const { return std::string(json_["error"].AsString()); }
};

TEST_F(ViewerTokenDoorTest, OneHourOfOneStreamIsGivenAwayWithItsAddresses) {
  aws_.public_url = "https://video.example";
  const std::string token = MakeToken("door");
  EXPECT_EQ(json_["stream"].AsString(), "door");
  EXPECT_EQ(json_["expires"].AsString(), FormatRfc3339(clock_.Now() + std::chrono::hours(1)));
  EXPECT_EQ(json_["page"].AsString(), "https://video.example/#token=" + token + "&stream=door");
  EXPECT_EQ(json_["playlist"].AsString(),
            "https://video.example/hls/t/" + token + "/door/index.m3u8");
}

TEST_F(ViewerTokenDoorTest, ItOpensThePlaylistInThePathAndTheStreamsOwnPages) {
  const std::string token = MakeToken("door");
  EXPECT_EQ(AskWith("", "GET", "/hls/t/" + token + "/door/index.m3u8"), 200) << text_;
  EXPECT_THAT(text_, AllOf(StartsWith("#EXTM3U"), Not(HasSubstr(token))))
      << "addresses are relative; the token is not among what is stored in caches";
  EXPECT_EQ(AskWith(token, "GET", "/hls/door/index.m3u8"), 200);
  EXPECT_EQ(AskWith("", "GET", "/hls/door/index.m3u8?key=" + token), 200);
  EXPECT_EQ(AskWith(token, "GET", "/api/v1/streams/door/ranges"), 200);
  EXPECT_EQ(AskWith(token, "GET", "/api/v1/streams/door/coverage"), 200);
  EXPECT_EQ(AskWith(token, "GET", "/api/v1/streams/door"), 200);
  EXPECT_EQ(json_["until"].AsString(), FormatRfc3339(clock_.Now() + std::chrono::hours(1)));
  EXPECT_EQ(json_["now"].AsString(), FormatRfc3339(clock_.Now()));
}

TEST_F(ViewerTokenDoorTest, WhereTheCameraIsStaysHidden) {
  ingest::PublicationStatus publication{*StreamName::Parse("door"), "pull",
                                        "rtsp://192.168.1.20/stream"};
  publication.status.state = ingest::SourceState::kFailed;
  publication.status.reason = "401: 192.168.1.20 refuses user 'admin'";
  sources_.publications.push_back(publication);
  EXPECT_EQ(AskWith(MakeToken("door"), "GET", "/api/v1/streams/door"), 200);
  EXPECT_EQ(json_["state"].AsString(), "failed");
  EXPECT_THAT(text_, AllOf(Not(HasSubstr("192.168")), Not(HasSubstr("admin"))));
  EXPECT_EQ(Ask("GET", "/api/v1/streams/door"), 200);
  EXPECT_THAT(text_, HasSubstr("192.168")) << "others are told";
}

TEST_F(ViewerTokenDoorTest, NothingElseIsOpenToItWhateverTheDoor) {
  const std::string token = MakeToken("door");
  int refused = 0;
  for (const Operation& operation : Operations()) {
    if (operation.door == Door::kOpen) continue;
    for (const std::string stream : {"door", "yard", "nobody"}) {
      std::string path(operation.pattern);
      for (const std::string_view hole : {"{stream}", "{name}", "{file}"}) {
        const size_t at = path.find(hole);
        if (at != std::string::npos)
          path.replace(at, hole.size(), hole == "{file}" ? "index.m3u8" : stream);
      }
      const bool open = operation.door == Door::kWatch && stream == "door";
      const int status = AskWith(token, std::string(operation.method), path, "{}");
      EXPECT_EQ(status, open ? 200 : 403) << operation.method << " " << path;
      if (open) continue;
      ++refused;
      EXPECT_THAT(text_, AllOf(Not(HasSubstr("door")), Not(HasSubstr("yard"))));
    }
  }
  EXPECT_GT(refused, 40);
  // Not even on this machine, where none is needed: who shows one means it.
  net::HttpRequest here = Request("GET", "/api/v1/streams");
  here.headers.Add("Authorization", "Bearer " + token);
  EXPECT_EQ(Send(std::move(here)).status, 403);
}

TEST_F(ViewerTokenDoorTest, WhatItIsNotForIsRefusedInOneAndTheSameWay) {
  const std::string token = MakeToken("door");
  std::string changed = token;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(AskWith("", "GET", "/hls/t/" + changed + "/door/index.m3u8"), 403);
  EXPECT_EQ(Reason(), "InvalidToken");
  const std::string said = text_;
  const std::vector<std::string> others = {token + "/yard", token + "/nobody", "v1./door",
                                           token.substr(0, 30) + "/door", token + "x/door"};
  for (const std::string& other : others) {
    const std::string address = "/hls/t/" + other + "/index.m3u8";
    EXPECT_EQ(AskWith("", "GET", address), 403) << address;
    EXPECT_EQ(text_, said) << address;
  }
  // A stream that was made again is another one.
  EXPECT_EQ(Ask("DELETE", "/api/v1/streams/door"), 200);
  EXPECT_EQ(AskWith("", "GET", "/hls/t/" + token + "/door/index.m3u8"), 403);
  CreateStream("door");
  EXPECT_EQ(AskWith("", "GET", "/hls/t/" + token + "/door/index.m3u8"), 403);
  EXPECT_EQ(text_, said);
}

TEST_F(ViewerTokenDoorTest, WhenItHasEndedPlayersAreToldSoOnWhateverTheyAsk) {
  const std::string token = MakeToken("door", R"({"seconds":60})");
  clock_.Advance(std::chrono::milliseconds(59'999));
  EXPECT_EQ(AskWith("", "GET", "/hls/t/" + token + "/door/index.m3u8"), 200);
  clock_.Advance(std::chrono::milliseconds(1));
  for (const char* file : {"index.m3u8", "index.m3u8?start=10000", "0000000000000000-0.m4s"}) {
    EXPECT_EQ(AskWith("", "GET", "/hls/t/" + token + "/door/" + file), 403) << file;
    EXPECT_EQ(Reason(), "ExpiredToken");
    EXPECT_THAT(Message(), HasSubstr("ended at 2026-01-15T12:01:00"));
    EXPECT_EQ(json_["ended"].AsString(), "2026-01-15T12:01:00.000Z");
  }
  const net::HttpResponse refused = Send(From("GET", "/hls/door/index.m3u8", token));
  EXPECT_EQ(refused.headers.Get("Access-Control-Allow-Origin"), "*") << "other pages may say why";
  EXPECT_FALSE(refused.headers.Has("WWW-Authenticate")) << "no question pops up";
  EXPECT_EQ(AskWith("", "GET", "/metrics"), 401);
  EXPECT_EQ(Ask("GET", "/metrics"), 200);
  EXPECT_THAT(text_, HasSubstr("penstock_viewer_tokens_refused_total{reason=\"expired\"}"));
  EXPECT_THAT(text_, Not(HasSubstr(token)));
}

TEST_F(ViewerTokenDoorTest, AKeyGivesAwayWhatItMayReadForADayAtMost) {
  const AccessKey viewer = *SyncWait(keys_->Create("v", Role::kViewer, {"door"}));
  const AccessKey camera = *SyncWait(keys_->Create("c", Role::kPublisher, {}));
  const AccessKey admin = *SyncWait(keys_->Create("a", Role::kAdmin, {}));
  const std::string door = "/api/v1/streams/door/tokens";
  EXPECT_EQ(AskWith(viewer.secret, "POST", door, R"({"seconds":86400})"), 201) << text_;
  const std::string token(json_["token"].AsString());
  EXPECT_EQ(AskWith("", "GET", "/hls/t/" + token + "/door/index.m3u8"), 200);
  EXPECT_EQ(AskWith(viewer.secret, "POST", door, R"({"seconds":86401})"), 400);
  EXPECT_THAT(Message(), HasSubstr("86400 (24h)"));
  EXPECT_EQ(AskWith(viewer.secret, "POST", "/api/v1/streams/yard/tokens", "{}"), 403);
  EXPECT_EQ(AskWith(camera.secret, "POST", door, "{}"), 403);
  EXPECT_EQ(AskWith("", "POST", door, "{}"), 401);
  EXPECT_EQ(AskWith(token, "POST", door, "{}"), 403) << "a link cannot prolong itself";
  EXPECT_EQ(AskWith(admin.secret, "POST", door, R"({"seconds":604800})"), 201);
}

TEST_F(ViewerTokenDoorTest, AWrongLengthIsRefusedInWords) {
  for (const char* body : {R"({"seconds":59})", R"({"seconds":604801})", R"({"seconds":-1})",
                           R"({"seconds":"3600"})", R"({"seconds":60.5})"}) {
    EXPECT_EQ(Ask("POST", "/api/v1/streams/door/tokens", body), 400) << body;
    EXPECT_THAT(Message(), HasSubstr("from 60 (1m) to 604800 (168h)")) << body;
  }
  EXPECT_EQ(Ask("POST", "/api/v1/streams/door/tokens", R"({"hours":1})"), 400);
  EXPECT_EQ(Ask("POST", "/api/v1/streams/nobody/tokens", "{}"), 404);
}

}  // namespace
}  // namespace penstock::server
