#include "server/auth/trust.h"

#include "server/auth/credentials.h"
#include "tests/unit/server/fake_catalog.h"

namespace penstock::server {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

net::HttpRequest Request(std::string peer, Fields fields) {
  net::HttpRequest request;
  request.peer.address = std::move(peer);
  request.peer.port = 40000;
  for (const auto& [name, value] : fields) request.headers.Add(name, value);
  return request;
}

TEST(TrustTest, OnlyNamesThatCannotBeAnybodyElsesAreLoopbackHosts) {
  for (const char* host : {"localhost", "LocalHost", "localhost:8080", "127.0.0.1", "127.0.0.1:1",
                           "127.255.255.254", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
  }
  for (const char* host : {"",
                           ":8080",
                           "localhost.",
                           "localhost:",
                           "localhost:x",
                           "localhost:123456",
                           "localhost.evil.example",
                           "notlocalhost",
                           "127.0.0.1.evil.example",
                           "127.1",
                           "127.0.0",
                           "127.0.0.256",
                           "0127.0.0.1",
                           "127.0.0.01",
                           "127.0.0.1.",
                           "127.0.0.1:80:80",
                           "128.0.0.1",
                           "0.0.0.0",
                           "[::]",
                           "::1",
                           "[::1",
                           "[::1]x",
                           "[::1]:",
                           "[::ffff:127.0.0.1]",
                           "10.0.0.1",
                           "localhost@evil",
                           "2130706433",
                           "localhost "}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

TEST(TrustTest, APageThatCameByTlsIsOfTheSameOriginAndOneThatDidNotIsNot) {
  for (const bool over_tls : {false, true}) {
    const std::string mine = over_tls ? "https://localhost:8443" : "http://localhost:8443";
    const std::string other = over_tls ? "http://localhost:8443" : "https://localhost:8443";
    for (const auto& [field, value, trusted] :
         std::vector<std::tuple<std::string, std::string, bool>>{{"Origin", mine, true},
                                                                 {"Origin", other, false},
                                                                 {"Referer", mine, true},
                                                                 {"Referer", mine + "/#door", true},
                                                                 {"Referer", mine + "0/", false},
                                                                 {"Referer", other + "/", false}}) {
      net::HttpRequest request = Request("127.0.0.1", {{"Host", "localhost:8443"}, {field, value}});
      request.over_tls = over_tls;
      EXPECT_EQ(IsTrusted(request), trusted) << field << ": " << value;
    }
  }
}

TEST(TrustTest, EveryConditionOfTheRuleIsNeeded) {
  const struct {
    const char* why;
    const char* peer;
    Fields fields;
    bool trusted;
  } cases[] = {
      {"a command on this machine", "127.0.0.1", {{"Host", "localhost:8080"}}, true},
      {"the same over IPv6", "::1", {{"Host", "[::1]:8080"}}, true},
      {"any loopback address", "127.8.8.8", {{"Host", "127.8.8.8"}}, true},
      {"the page's own request",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Origin", "http://localhost:8080"}},
       true},
      {"case does not matter",
       "127.0.0.1",
       {{"host", "LOCALHOST"}, {"origin", "HTTP://localhost"}},
       true},
      {"another machine", "192.168.1.7", {{"Host", "localhost:8080"}}, false},
      {"no peer", "", {{"Host", "localhost:8080"}}, false},
      {"no Host", "127.0.0.1", {}, false},
      {"two Hosts", "127.0.0.1", {{"Host", "localhost"}, {"Host", "localhost"}}, false},
      {"DNS rebinding", "127.0.0.1", {{"Host", "evil.example:8080"}}, false},
      {"this machine by its public name", "127.0.0.1", {{"Host", "192.168.1.2:8080"}}, false},
      {"a proxy that says so",
       "127.0.0.1",
       {{"Host", "localhost"}, {"X-Forwarded-For", "8.8.8.8"}},
       false},
      {"even with an empty field",
       "127.0.0.1",
       {{"Host", "localhost"}, {"X-Forwarded-For", ""}},
       false},
      {"whatever it forwards",
       "127.0.0.1",
       {{"Host", "localhost"}, {"x-forwarded-proto", "https"}},
       false},
      {"in the standard's words",
       "127.0.0.1",
       {{"Host", "localhost"}, {"Forwarded", "for=8.8.8.8"}},
       false},
      {"in older proxies' words",
       "127.0.0.1",
       {{"Host", "localhost"}, {"X-Real-IP", "8.8.8.8"}},
       false},
      {"through a proxy that only says so",
       "127.0.0.1",
       {{"Host", "localhost"}, {"Via", "1.1 proxy"}},
       false},
      {"in a content network's words",
       "127.0.0.1",
       {{"Host", "localhost"}, {"CF-Connecting-IP", "8.8.8.8"}},
       false},
      {"a load balancer's",
       "127.0.0.1",
       {{"Host", "localhost"}, {"X-Cluster-Client-Ip", "8.8.8.8"}},
       false},
      {"the address bar",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Sec-Fetch-Site", "none"}},
       true},
      {"the page's own picture",
       "127.0.0.1",
       {{"Host", "localhost:8080"},
        {"Sec-Fetch-Site", "same-origin"},
        {"Referer", "http://localhost:8080/#door"}},
       true},
      {"a picture in another site's page, which has no Origin",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Sec-Fetch-Site", "cross-site"}},
       false},
      {"or in that of another port",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Sec-Fetch-Site", "same-site"}},
       false},
      {"a browser behind a proxy that renames us and says nothing",
       "127.0.0.1",
       {{"Host", "localhost:8080"},
        {"Sec-Fetch-Site", "same-origin"},
        {"Referer", "https://cameras.example/"}},
       false},
      {"a page whose name begins like ours",
       "127.0.0.1",
       {{"Host", "localhost"}, {"Referer", "http://localhost.evil.example/"}},
       false},
      {"another site's page",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Origin", "https://evil.example"}},
       false},
      {"another port is another site",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Origin", "http://localhost:3000"}},
       false},
      {"another name of it, too",
       "127.0.0.1",
       {{"Host", "localhost:8080"}, {"Origin", "http://127.0.0.1:8080"}},
       false},
      {"https is not what we speak",
       "127.0.0.1",
       {{"Host", "localhost"}, {"Origin", "https://localhost"}},
       false},
      {"a sandboxed page", "127.0.0.1", {{"Host", "localhost"}, {"Origin", "null"}}, false},
      {"an empty origin", "127.0.0.1", {{"Host", "localhost"}, {"Origin", ""}}, false},
      {"two origins",
       "127.0.0.1",
       {{"Host", "localhost"}, {"Origin", "http://localhost"}, {"Origin", "http://evil"}},
       false},
  };
  for (const auto& c : cases) EXPECT_EQ(IsTrusted(Request(c.peer, c.fields)), c.trusted) << c.why;
}

TEST(TrustTest, WhoSpeaksTheOlderProtocolIsAProxy) {
  net::HttpRequest request = Request("127.0.0.1", {{"Host", "localhost:8080"}});
  EXPECT_TRUE(IsTrusted(request));
  // nginx with nothing but proxy_pass http://localhost:8080.
  request.http_1_0 = true;
  request.headers.Add("Connection", "close");
  EXPECT_FALSE(IsTrusted(request));
}

TEST(TrustTest, TheSocketFileIsTheKeyOfWhoMayOpenIt) {
  net::HttpRequest request = Request("", {});
  request.over_unix_socket = true;
  EXPECT_TRUE(IsTrusted(request));
}

std::string Shown(const net::HttpRequest& request) {
  const auto found = FindCredentials(request);
  if (!found.ok()) return "refused";
  if (!found->has_value()) return "none";
  return (*found)->user + "/" + (*found)->secret;
}

TEST(CredentialsTest, KeysAreFoundWhereClientsPutThem) {
  EXPECT_EQ(Shown(Request("", {{"Authorization", "Bearer abc"}})), "/abc");
  EXPECT_EQ(Shown(Request("", {{"authorization", "bearer  abc "}})), "/abc");
  EXPECT_EQ(Shown(Request("", {{"Authorization", "Basic dXNlcjpzZTpjcmV0"}})), "user/se:cret");
  EXPECT_EQ(Shown(Request("", {{"Authorization", "Basic !!"}})), "refused");
  EXPECT_EQ(Shown(Request("", {{"Authorization", "Basic dXNlcg=="}})), "refused") << "no colon";
  EXPECT_EQ(Shown(Request("", {{"Authorization", "Digest x"}})), "refused");
  EXPECT_EQ(Shown(Request("", {})), "none");
  net::HttpRequest query = Request("", {});
  query.query = {{"start", "1"}, {"key", "abc"}};
  EXPECT_EQ(Shown(query), "/abc");
  query.headers.Add("Authorization", "Bearer other");
  EXPECT_EQ(Shown(query), "/other") << "the field wins";
  net::HttpRequest path = Request("", {});
  path.path = "/hls/t/abc/door/index.m3u8";
  EXPECT_EQ(Shown(path), "/abc");
  path.path = "/hls/t/index.m3u8";
  EXPECT_EQ(Shown(path), "none") << "a stream named t";
}

TEST(CredentialsTest, ThePathWithoutItsKeyIsThePlainOne) {
  EXPECT_EQ(WithoutPathKey("/hls/t/abc/door/index.m3u8"), "/hls/door/index.m3u8");
  EXPECT_EQ(WithoutPathKey("/hls/t/index.m3u8"), "/hls/t/index.m3u8");
  EXPECT_EQ(WithoutPathKey("/api/v1/streams"), "/api/v1/streams");
}

TEST(CredentialsTest, WhatIsLoggedHoldsNoKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"/metrics", "/metrics"},
      {"/metrics?key=hunter2", "/metrics?key=***"},
      {"/x?start=1&key=hunter2&end=2", "/x?start=1&key=***&end=2"},
      {"/x?k%65y=hunter2", "/x?k%65y=***"},
      {"/x?key", "/x?key=***"},
      {"/hls/t/hunter2/door/index.m3u8?start=5", "/hls/t/***/door/index.m3u8?start=5"},
      {"/hls/t/index.m3u8", "/hls/t/index.m3u8"},
      {"/x?", "/x?"},
      {"/x?token=hunter2", "/x?token=***"},
      {"/hls/t/hunter2", "/hls/t/***"},
      {"/hls/t/hunter2?start=1", "/hls/t/***?start=1"},
      {"/hls/t/v1.AGlo-nAa6Nf7Ru3cs2Fsxlgx32tK", "/hls/t/***"},
      {"/hls/t//v1.AGlo-nAa6Nf7Ru3cs2Fsxlgx32tK/door/x.m4s", "/hls/t/***/***/door/x.m4s"},
      {"/hls/v1.AGlo-nAa6Nf7Ru3cs2Fsxlgx32tK/index.m3u8", "/hls/***/index.m3u8"},
      {"/x?tken=v1.AGlo-nAa6Nf7Ru3cs2Fsxlgx32tK&a=1", "/x?tken=***&a=1"},
      {"http://localhost:8080/hls/t/secret/cam/x.m4s", "http://localhost:8080/hls/t/***/cam/x.m4s"},
      {"/hls/%74/secret/cam/x.m4s?a=1", "/hls/***?a=1"},
  };
  for (const auto& [target, logged] : cases) EXPECT_EQ(RedactTarget(target), logged);
}

class AuthorizeTest : public testing::Test {
 protected:
  AuthorizeTest() {
    ring_ = std::move(*KeyRing::Load(catalog_, MasterKey(std::array<uint8_t, 32>{1}), clock_, {}));
    viewer_ = SyncWait(ring_->Create("v", Role::kViewer, {"door"}))->secret;
    publisher_ = SyncWait(ring_->Create("p", Role::kPublisher, {}))->secret;
    admin_ = SyncWait(ring_->Create("a", Role::kAdmin, {}))->secret;
  }
  std::string Ask(net::HttpRequest request, Permission permission, const char* stream = nullptr) {
    std::optional<StreamName> name;
    if (stream != nullptr) name = StreamName::Parse(stream).value();
    const auto caller = Authorize(request, *ring_, permission, name);
    return caller.ok() ? caller->name : std::string(ErrorCodeName(caller.error().code()));
  }
  static net::HttpRequest With(const std::string& secret) {
    return Request("10.0.0.9", {{"Host", "cam.example"}, {"Authorization", "Bearer " + secret}});
  }

  SimulatedClock clock_{ServerTimeFromMs(1)};
  FakeCatalog catalog_;
  std::unique_ptr<KeyRing> ring_;
  std::string viewer_, publisher_, admin_;
};

TEST_F(AuthorizeTest, AKeyOpensWhatItIsForAndNothingElse) {
  EXPECT_EQ(Ask(With(viewer_), Permission::kRead, "door"), "v");
  EXPECT_EQ(Ask(With(viewer_), Permission::kRead, "yard"), "Forbidden");
  EXPECT_EQ(Ask(With(viewer_), Permission::kRead), "v") << "lists are filtered";
  EXPECT_EQ(Ask(With(viewer_), Permission::kAdmin), "Forbidden");
  EXPECT_EQ(Ask(With(viewer_), Permission::kAdmin, "door"), "Forbidden");
  EXPECT_EQ(Ask(With(publisher_), Permission::kRead), "Forbidden");
  EXPECT_EQ(Ask(With(publisher_), Permission::kRead, "door"), "Forbidden");
  EXPECT_EQ(Ask(With(admin_), Permission::kAdmin), "a");
  EXPECT_EQ(Ask(With("nonsense"), Permission::kRead, "door"), "Unauthenticated");
}

TEST_F(AuthorizeTest, NoKeyIsEnoughHereAndNowhereElse) {
  EXPECT_EQ(Ask(Request("127.0.0.1", {{"Host", "localhost"}}), Permission::kAdmin), "local");
  EXPECT_EQ(Ask(Request("10.0.0.9", {{"Host", "localhost"}}), Permission::kRead, "door"),
            "Unauthenticated");
}

TEST_F(AuthorizeTest, AWrongKeyIsRefusedEvenHere) {
  net::HttpRequest request = With("nonsense");
  request.peer.address = "127.0.0.1";
  request.headers.Set("Host", "localhost");
  EXPECT_EQ(Ask(std::move(request), Permission::kRead, "door"), "Unauthenticated");
}

TEST_F(AuthorizeTest, AKeyThatMayNotSeeAllIsKnownAsSuch) {
  EXPECT_FALSE(Authorize(With(viewer_), *ring_, Permission::kRead, std::nullopt)->MayReadAll());
  EXPECT_TRUE(Authorize(With(admin_), *ring_, Permission::kRead, std::nullopt)->MayReadAll());
  EXPECT_FALSE(Authorize(With(viewer_), *ring_, Permission::kRead, std::nullopt)
                   ->MayRead(*StreamName::Parse("yard")));
}

}  // namespace
}  // namespace penstock::server
