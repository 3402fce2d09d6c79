// Temporary keys: requests that are signed with them and bring their session token.
#include "server/auth/sigv4/signature.h"
#include "tests/unit/server/operations/aws_fixture.h"

namespace penstock::server::aws {
namespace {

using std::chrono::seconds;

class SessionKeyTest : public AwsTest {
 protected:
  // From elsewhere, where nobody is trusted.
  static constexpr const char* kElsewhere = "192.0.2.7";

  AccessKey Create(std::string user, std::optional<seconds> lasts) {
    return SyncWait(keys_->Create(std::move(user), Role::kViewer, {}, {}, lasts)).value();
  }

  // ListStreams with that key and token; the error's name, "" if it was done.
  std::string List(const AccessKey& key, std::optional<std::string> token,
                   bool token_is_signed = true, std::string peer = kElsewhere) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = request.path = "/listStreams";
    request.peer.address = std::move(peer);
    sigv4::Claim claim = ClaimOf(key);
    request.headers.Add("Host", "localhost:8080");
    request.headers.Add("X-Amz-Date", claim.timestamp);
    if (token) request.headers.Add("X-Amz-Security-Token", *token);
    claim.signed_headers = {"host", "x-amz-date"};
    if (token && token_is_signed) claim.signed_headers.emplace_back("x-amz-security-token");
    Sign(request, claim, key.secret);
    return Answer(std::move(request));
  }
  // The same with everything in the query.
  std::string ListPresigned(const AccessKey& key, const std::string& token) {
    net::HttpRequest request;
    request.method = "POST";
    request.path = "/listStreams";
    request.peer.address = kElsewhere;
    request.headers.Add("Host", "localhost:8080");
    sigv4::Claim claim = ClaimOf(key);
    claim.signed_headers = {"host"};
    claim.presigned = true;
    request.target = "/listStreams?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + key.user +
                     "%2F" + claim.date +
                     "%2Fus-east-1%2Fkinesisvideo%2Faws4_request&X-Amz-Date=" + claim.timestamp +
                     "&X-Amz-Expires=300&X-Amz-SignedHeaders=host";
    if (!token.empty()) request.target += "&X-Amz-Security-Token=" + token;
    const sigv4::SignedRequest signed_part{request.method, request.target, request.headers};
    request.target +=
        "&X-Amz-Signature=" + sigv4::Sign(signed_part, claim, sigv4::Sha256Hex("{}"), key.secret);
    return Answer(std::move(request));
  }

  sigv4::Claim ClaimOf(const AccessKey& key) const {
    sigv4::Claim claim;
    claim.access_key = key.user;
    claim.timestamp = sigv4::FormatBasicTime(clock_.Now());
    claim.date = claim.timestamp.substr(0, 8);
    claim.region = "us-east-1";
    claim.service = "kinesisvideo";
    return claim;
  }
  static void Sign(net::HttpRequest& request, const sigv4::Claim& claim, std::string_view secret) {
    const sigv4::SignedRequest signed_part{request.method, request.target, request.headers};
    std::string names;
    for (const std::string& name : claim.signed_headers) names += (names.empty() ? "" : ";") + name;
    request.headers.Add("Authorization",
                        "AWS4-HMAC-SHA256 Credential=" + claim.access_key + "/" + claim.Scope() +
                            ", SignedHeaders=" + names + ", Signature=" +
                            sigv4::Sign(signed_part, claim, sigv4::Sha256Hex("{}"), secret));
  }
  std::string Answer(net::HttpRequest request) {
    request.body = std::make_shared<TextBody>("{}");
    const net::HttpResponse response = SyncWait(front_->Handle(std::move(request)));
    status_ = response.status;
    return std::string(response.headers.Get("x-amzn-ErrorType"));
  }

  int status_ = 0;
};

constexpr const char* kUnknown = "UnrecognizedClientException";

TEST_F(SessionKeyTest, ATemporaryKeySignsWithItsTokenWhereverThatStands) {
  const AccessKey key = Create("shift", seconds(60));
  const std::string token = keys_->TokenOf(key);
  EXPECT_EQ(List(key, token), "");
  EXPECT_EQ(status_, 200);
  EXPECT_EQ(List(key, token, false), "") << "the clients in C do not sign it";
  EXPECT_EQ(ListPresigned(key, token), "");
  // On trusted loopback, too, a known key is checked.
  EXPECT_EQ(List(key, token, true, "127.0.0.1"), "");
}

TEST_F(SessionKeyTest, WithoutItsOwnTokenItIsNoKey) {
  const AccessKey key = Create("shift", seconds(60));
  const AccessKey other = Create("other", seconds(60));
  std::string changed = keys_->TokenOf(key);
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(List(key, std::nullopt), kUnknown);
  EXPECT_EQ(status_, 403);
  EXPECT_EQ(List(key, ""), kUnknown);
  EXPECT_EQ(List(key, keys_->TokenOf(other)), kUnknown);
  EXPECT_EQ(List(key, changed), kUnknown);
  EXPECT_EQ(List(key, std::string(100'000, 'A')), kUnknown);
  EXPECT_EQ(ListPresigned(key, ""), kUnknown);
  EXPECT_EQ(List(key, std::nullopt, true, "127.0.0.1"), kUnknown);
  // A token of another purpose is none, although it is of the same master key.
  EXPECT_EQ(List(key, keys_->session_tokens().Seal("{}")), kUnknown);
}

TEST_F(SessionKeyTest, TheTokenDoesNotReplaceTheSecret) {
  AccessKey key = Create("shift", seconds(60));
  const std::string token = keys_->TokenOf(key);
  key.secret = "guessed";
  EXPECT_EQ(List(key, token), "InvalidSignatureException");
}

TEST_F(SessionKeyTest, ALongLivedKeyTakesNoToken) {
  const AccessKey lasting = Create("lasting", std::nullopt);
  EXPECT_EQ(List(lasting, std::nullopt), "");
  EXPECT_EQ(List(lasting, "anything"), kUnknown);
  EXPECT_EQ(List(lasting, keys_->TokenOf(Create("shift", seconds(60)))), kUnknown);
}

TEST_F(SessionKeyTest, ItEndsWhenItsTimeIsOverAndSaysSoEvenWhenItIsForgotten) {
  const AccessKey key = Create("shift", seconds(60));
  const std::string token = keys_->TokenOf(key);
  clock_.Advance(seconds(59));
  EXPECT_EQ(List(key, token), "");
  clock_.Advance(seconds(1));
  EXPECT_EQ(List(key, token), "ExpiredTokenException");
  EXPECT_EQ(status_, 403);
  // The next one sweeps those that have ended.
  Create("next", seconds(60));
  EXPECT_FALSE(keys_->Find("shift").has_value());
  EXPECT_EQ(List(key, token), "ExpiredTokenException");
}

TEST_F(SessionKeyTest, ARevokedKeysTokenOpensNothingNorTheNextKeyOfThatName) {
  const AccessKey key = Create("shift", seconds(60));
  const std::string token = keys_->TokenOf(key);
  ASSERT_TRUE(SyncWait(keys_->Revoke("shift")).ok());
  EXPECT_EQ(List(key, token), kUnknown);
  clock_.Advance(seconds(1));
  AccessKey again = Create("shift", seconds(60));
  EXPECT_EQ(List(again, token), kUnknown);
  EXPECT_EQ(List(again, keys_->TokenOf(again)), "");
}

TEST_F(SessionKeyTest, ItSurvivesARestartAndOpensNoOtherDoor) {
  const AccessKey key = Create("shift", seconds(60));
  const std::string token = keys_->TokenOf(key);
  const auto loaded =
      KeyRing::Load(store_.catalog(), MasterKey(std::array<uint8_t, 32>{1}), clock_, {});
  ASSERT_TRUE(loaded.ok());
  const KeyRing& ring = **loaded;
  EXPECT_EQ(ring.Find("shift")->expires, key.expires);
  EXPECT_EQ(ring.JudgeToken("shift", ring.Find("shift"), token, clock_.Now()),
            KeyRing::TokenVerdict::kFits);
  // Where there is no place for a token: Bearer and Basic, and RTSP's Digest.
  for (const KeyRing* one : {&ring, static_cast<const KeyRing*>(keys_.get())}) {
    EXPECT_FALSE(one->Identify("", key.secret).ok());
    EXPECT_FALSE(one->Identify("shift", key.secret).ok());
    EXPECT_FALSE(one->SecretFor("shift").ok());
  }
}

TEST_F(SessionKeyTest, TheApiMakesThemAndSaysUntilWhen) {
  const auto create = [this](const std::string& more) {
    const net::HttpResponse response =
        Send("/api/v1/keys", R"({"user":"shift","role":"viewer")" + more + "}");
    json_ = *Json::Parse(BodyOf(response));
    return response.status;
  };
  EXPECT_EQ(create(R"(,"session_seconds":0)"), 400);
  EXPECT_EQ(create(R"(,"session_seconds":129601)"), 400);
  EXPECT_EQ(create(R"(,"session_seconds":"1h")"), 400);
  ASSERT_EQ(create(R"(,"session_seconds":3600)"), 201);
  EXPECT_EQ(json_["expires"].AsString(), FormatRfc3339(clock_.Now() + seconds(3600)));
  AccessKey key;
  key.user = "shift";
  key.secret = std::string(json_["secret"].AsString());
  EXPECT_EQ(List(key, std::string(json_["session_token"].AsString())), "");
}

}  // namespace
}  // namespace penstock::server::aws
