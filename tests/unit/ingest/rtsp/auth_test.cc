#include <set>

#include <fmt/format.h>

#include "ingest/rtsp/client_auth.h"
#include "ingest/rtsp/digest.h"
#include "ingest/rtsp/server_auth.h"
#include "tests/unit/ingest/rtsp/one_key.h"

namespace penstock::ingest::rtsp {
namespace {

using ::testing::HasSubstr;

class AuthTest : public ::testing::Test {
 protected:
  static Request Announce(std::string url) {
    Request request;
    request.method = "ANNOUNCE";
    request.url = std::move(url);
    return request;
  }
  // One round: the request as the client sends it, and the server's verdict.
  Status Try(ClientAuth& client, std::string url, StreamName stream) {
    Request request = Announce(url);
    if (const auto value = client.Authorize("ANNOUNCE", url))
      request.headers.Add("Authorization", *value);
    return server_.Check(request, stream);
  }
  Headers Challenge() {
    Headers headers;
    server_.AddChallenge(headers);
    return headers;
  }

  OneKey keys_;
  SimulatedClock clock_{ServerTimeFromMs(0)};
  ServerAuth server_{keys_, Origin{false, "10.0.0.1:5"}, clock_};
  const StreamName cam_ = *StreamName::Parse("cam");
};

TEST(DigestTest, EqualsTheExampleOfRfc2617) {
  DigestInput input;
  input.user = "Mufasa";
  input.realm = "testrealm@host.com";
  input.password = "Circle Of Life";
  input.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
  input.method = "GET";
  input.uri = "/dir/index.html";
  EXPECT_EQ(DigestResponse(input), "670fd8c2df070c60b045671b8b24ff02");
  input.qop = "auth";
  input.nc = "00000001";
  input.cnonce = "0a4f113b";
  EXPECT_EQ(DigestResponse(input), "6629fae49393a05397450978507c4ef1");
}

TEST(DigestTest, EqualsTheExampleOfRfc7616) {
  DigestInput input;
  input.user = "Mufasa";
  input.realm = "http-auth@example.org";
  input.password = "Circle of Life";
  input.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
  input.method = "GET";
  input.uri = "/dir/index.html";
  input.qop = "auth";
  input.nc = "00000001";
  input.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  EXPECT_EQ(DigestResponse(input), "8ca523f5e9506fed4657c9700eebdbec");
  input.algorithm = DigestAlgorithm::kSha256;
  EXPECT_EQ(DigestResponse(input),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

TEST(Base64Test, RoundTripsAndRefusesTheRest) {
  for (const std::string_view text : {"", "a", "ab", "abc", "user:p\xc3\xa4ss"}) {
    EXPECT_EQ(Base64Decode(Base64Encode(text)), text);
  }
  EXPECT_EQ(Base64Encode("user:key"), "dXNlcjprZXk=");
  EXPECT_EQ(Base64Decode("dXNlcjprZXk"), "user:key");
  for (const std::string_view text : {"a", "ab!d", "a=bc", "ab cd"})
    EXPECT_EQ(Base64Decode(text), std::nullopt) << text;
}

TEST_F(AuthTest, OurClientAndServerAgreeOnDigest) {
  ClientAuth client(*Url::Parse("rtsp://user:key@h/cam"));
  EXPECT_EQ(Try(client, "rtsp://h/cam", cam_).error().code(), ErrorCode::kUnauthenticated);
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  EXPECT_TRUE(Try(client, "rtsp://h/cam", cam_).ok());
  EXPECT_TRUE(Try(client, "rtsp://h/cam", cam_).ok());
  EXPECT_EQ(server_.failures(), 0);
}

TEST_F(AuthTest, AReplayedNonceCountIsStaleNotWrong) {
  ClientAuth client(*Url::Parse("rtsp://user:key@h/cam"));
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  Request request = Announce("rtsp://h/cam");
  request.headers.Add("Authorization", *client.Authorize("ANNOUNCE", request.url));
  EXPECT_TRUE(server_.Check(request, cam_).ok());
  EXPECT_FALSE(server_.Check(request, cam_).ok());
  const Headers challenge = Challenge();
  EXPECT_THAT(std::string(*challenge.Find("WWW-Authenticate")), HasSubstr("stale=true"));
  EXPECT_EQ(server_.failures(), 0);
}

TEST_F(AuthTest, AnOldNonceIsStaleAndTheClientTriesAgain) {
  ClientAuth client(*Url::Parse("rtsp://user:key@h/cam"));
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  clock_.Advance(std::chrono::minutes(6));
  EXPECT_FALSE(Try(client, "rtsp://h/cam", cam_).ok());
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  EXPECT_TRUE(Try(client, "rtsp://h/cam", cam_).ok());
}

TEST_F(AuthTest, AWrongKeyIsRefusedAndNotSentTwice) {
  ClientAuth client(*Url::Parse("rtsp://user:guess@h/cam"));
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  EXPECT_EQ(Try(client, "rtsp://h/cam", cam_).error().code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(server_.failures(), 1);
  const Status again = client.OnChallenge(Challenge());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().message(), "401: the camera refuses user 'user' with this password");
}

TEST_F(AuthTest, AnExpiredNonceWithoutTheWordStaleIsAnsweredOnceAccepted) {
  ClientAuth client(*Url::Parse("rtsp://user:key@h/cam"));
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  EXPECT_TRUE(Try(client, "rtsp://h/cam", cam_).ok());
  client.OnAccepted();
  EXPECT_TRUE(client.OnChallenge(Challenge()).ok());
}

TEST_F(AuthTest, ADigestForAnotherUrlIsWrong) {
  ClientAuth client(*Url::Parse("rtsp://user:key@h/cam"));
  ASSERT_TRUE(client.OnChallenge(Challenge()).ok());
  Request request = Announce("rtsp://h/other");
  request.headers.Add("Authorization", *client.Authorize("ANNOUNCE", "rtsp://h/cam"));
  EXPECT_FALSE(server_.Check(request, *StreamName::Parse("other")).ok());
}

TEST_F(AuthTest, OnlyWhoProvesToBeTheUserIsToldWhatTheUserMayNotDo) {
  const StreamName other = *StreamName::Parse("other");
  ClientAuth user(*Url::Parse("rtsp://user:key@h/other"));
  ASSERT_TRUE(user.OnChallenge(Challenge()).ok());
  EXPECT_EQ(Try(user, "rtsp://h/other", other).error().code(), ErrorCode::kForbidden);

  // An unknown user, and a wrong password, for a stream that the user may publish and for another.
  std::set<std::string> answers;
  for (const std::string_view login : {"user:guess", "nobody:key", "nobody:"}) {
    for (const std::string_view stream : {"cam", "other"}) {
      ClientAuth client(*Url::Parse(fmt::format("rtsp://{}@h/{}", login, stream)));
      ASSERT_TRUE(client.OnChallenge(Challenge()).ok()) << login;
      const Status answer =
          Try(client, fmt::format("rtsp://h/{}", stream), *StreamName::Parse(stream));
      ASSERT_FALSE(answer.ok()) << login;
      answers.insert(answer.error().ToString());
    }
  }
  EXPECT_THAT(answers, ::testing::ElementsAre("Unauthenticated: wrong user or key"));
}

TEST_F(AuthTest, BasicAndTheKeyInTheUrlAreTaken) {
  Request request = Announce("rtsp://h/cam");
  request.headers.Add("Authorization", "Basic dXNlcjprZXk=");
  EXPECT_TRUE(server_.Check(request, cam_).ok());
  EXPECT_TRUE(server_.Check(Announce("rtsp://h/cam?key=key"), cam_).ok());
  EXPECT_EQ(server_.Check(Announce("rtsp://h/cam?key=guess"), cam_).error().code(),
            ErrorCode::kUnauthenticated);
  EXPECT_EQ(
      server_.Check(Announce("rtsp://h/other?key=key"), *StreamName::Parse("other")).error().code(),
      ErrorCode::kForbidden);
}

TEST_F(AuthTest, GarbageCredentialsAreRefused) {
  for (const std::string_view value :
       {"", "Basic", "Basic %%%", "Digest", "Digest username=", "Bearer x", "Digest ,,,=,\""}) {
    Request request = Announce("rtsp://h/cam");
    request.headers.Add("Authorization", std::string(value));
    EXPECT_FALSE(server_.Check(request, cam_).ok()) << value;
  }
}

TEST_F(AuthTest, LoopbackNeedsNoKeyButAWrongOneIsStillWrong) {
  ServerAuth local(keys_, Origin{true, "127.0.0.1:5"}, clock_);
  EXPECT_TRUE(local.Check(Announce("rtsp://h/cam"), cam_).ok());
  EXPECT_FALSE(local.Check(Announce("rtsp://h/cam?key=guess"), cam_).ok());
}

TEST(ClientAuthTest, ChoosesWhatItSpeaks) {
  const Url url = *Url::Parse("rtsp://u:p@h/");
  {
    ClientAuth auth(url);
    Headers headers;
    headers.Add("WWW-Authenticate", R"(Basic realm="x")");
    headers.Add("www-authenticate", R"(Digest realm="x", nonce="n", opaque="o")");
    ASSERT_TRUE(auth.OnChallenge(headers).ok());
    const std::string value = *auth.Authorize("DESCRIBE", "rtsp://h/");
    EXPECT_THAT(value, ::testing::StartsWith("Digest username=\"u\""));
    EXPECT_THAT(value, HasSubstr("opaque=\"o\""));
    EXPECT_THAT(value, ::testing::Not(HasSubstr("qop")));
  }
  {
    ClientAuth auth(url);
    Headers headers;
    headers.Add("WWW-Authenticate", R"(Digest realm="x", nonce="n", algorithm=SHA-512-256)");
    EXPECT_THAT(auth.OnChallenge(headers).error().message(), HasSubstr("not spoken here (digest)"));
    headers.Add("WWW-Authenticate", R"(Basic realm="x")");
    EXPECT_TRUE(auth.OnChallenge(headers).ok());
    EXPECT_EQ(auth.Authorize("DESCRIBE", "x"), "Basic dTpw");
  }
}

TEST(ClientAuthTest, Sha256IsPreferredInWhateverOrder) {
  constexpr const char* kMd5 = R"(Digest realm="x", nonce="m", algorithm=MD5)";
  constexpr const char* kSha256 = R"(Digest realm="x", nonce="s", algorithm="sha-256")";
  for (const auto& [first, second] : {std::pair(kMd5, kSha256), std::pair(kSha256, kMd5)}) {
    ClientAuth auth(*Url::Parse("rtsp://u:p@h/"));
    Headers headers;
    headers.Add("WWW-Authenticate", first);
    headers.Add("WWW-Authenticate", second);
    ASSERT_TRUE(auth.OnChallenge(headers).ok());
    const AuthHeader sent = ParseAuthHeader(*auth.Authorize("DESCRIBE", "rtsp://h/"));
    EXPECT_EQ(sent.Get("algorithm"), "sha-256");
    EXPECT_EQ(sent.Get("nonce"), "s");
    DigestInput input;
    input.algorithm = DigestAlgorithm::kSha256;
    input.user = "u";
    input.realm = "x";
    input.password = "p";
    input.nonce = "s";
    input.method = "DESCRIBE";
    input.uri = "rtsp://h/";
    EXPECT_EQ(sent.Get("response"), DigestResponse(input));
  }
}

TEST(ClientAuthTest, WithoutCredentialsItSaysSo) {
  ClientAuth auth(*Url::Parse("rtsp://h/"));
  EXPECT_EQ(auth.OnChallenge(Headers()).error().message(),
            "401: the camera asks for a user and a password");
}

}  // namespace
}  // namespace penstock::ingest::rtsp
