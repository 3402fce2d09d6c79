// Signatures made by an independent implementation (Python's hmac), so that ours is not held
// against itself.
#include "server/auth/sigv4/check.h"
#include "server/auth/sigv4/query.h"
#include "server/auth/sigv4/signature.h"

namespace penstock::server::sigv4 {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kSecret = "t0p-secret/key+1";
constexpr std::string_view kScope = "reader/20260301/eu-west-1/kinesisvideo/aws4_request";
const ServerTime kThen = *ParseBasicTime("20260301T081530Z");

struct Request {
  std::string method = "POST";
  std::string target = "/describeStream";
  net::Headers headers;
  std::string body;

  SignedRequest Signed() const { return SignedRequest{method, target, headers}; }
};

std::string Authorization(std::string_view headers, std::string_view signature) {
  return "AWS4-HMAC-SHA256 Credential=" + std::string(kScope) +
         ", SignedHeaders=" + std::string(headers) + ", Signature=" + std::string(signature);
}

Request Describe() {
  Request request;
  request.headers.Add("host", "video.example:8080");
  request.headers.Add("X-Amz-Date", "20260301T081530Z");
  request.headers.Add("Authorization", Authorization("host;x-amz-date",
                                                     "4219c281a1619ea1acc4e8b3ab867a23531efd0e38d4"
                                                     "68aba94856082d582789"));
  request.body = R"({"StreamName":"door"})";
  return request;
}

// What the verifier says; nothing if all is well.
std::optional<Fault> Verify(const Request& request, ServerTime now = kThen,
                            std::string_view secret = kSecret) {
  const auto read = ReadClaim(request.Signed());
  if (const auto* fault = std::get_if<Fault>(&read)) return *fault;
  const Claim& claim = std::get<Claim>(read);
  if (auto fault = CheckScope(claim, "kinesisvideo", now)) return fault;
  const auto hash = PayloadHash(request.headers, request.body);
  if (const auto* fault = std::get_if<Fault>(&hash)) return *fault;
  return CheckSignature(request.Signed(), claim, std::get<std::string>(hash), secret);
}

TEST(SigV4Test, ASignedJsonCallVerifies) { EXPECT_FALSE(Verify(Describe())); }

TEST(SigV4Test, HopByHopHeadersAndRunsOfBlanksAreSignedAsTheyCame) {
  Request request;
  request.target = "/putMedia";
  request.headers.Add("Connection", "keep-alive");
  request.headers.Add("Host", "video.example");
  request.headers.Add("Transfer-Encoding", "chunked");
  request.headers.Add("User-Agent", "  cam  1.0 (a \t b) ");
  request.headers.Add("X-Amz-Date", "20260301T081530Z");
  request.headers.Add("x-amzn-stream-name", "door");
  request.headers.Add("authorization",
                      Authorization("connection;host;transfer-encoding;user-agent;x-amz-date;"
                                    "x-amzn-stream-name",
                                    "7eec506ce9f0dbe970acd1a110d903b5d713130172b4b9754f13d15c31fa25"
                                    "3a"));
  EXPECT_FALSE(Verify(request));
}

TEST(SigV4Test, AnUnsignedPayloadIsTakenAtItsWord) {
  Request request;
  request.target = "/putMedia";
  request.headers.Add("Host", "video.example");
  request.headers.Add("X-Amz-Date", "20260301T081530Z");
  request.headers.Add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  request.headers.Add("Authorization", Authorization("host;x-amz-date",
                                                     "04c1efc63fb34b965333fce1345763219c0966991371"
                                                     "fadb9b744404c626a3eb"));
  request.body = "any media at all";
  EXPECT_FALSE(Verify(request));
}

Request Presigned() {
  Request request;
  request.method = "GET";
  // The signature stands in the middle, and !'()* are bare: both as browsers' code does it.
  request.target =
      "/?X-Amz-SignedHeaders=host&X-Amz-Signature="
      "322f2f3d9c9e476e301671e9ee408dc13147745ba273019fa7ecbfc32a01e118"
      "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-ClientId=it's%20(1)!*&X-Amz-Credential=reader%2F"
      "20260301%2Feu-west-1%2Fkinesisvideo%2Faws4_request&X-Amz-Date=20260301T081530Z&X-Amz-"
      "Expires="
      "299";
  request.headers.Add("Host", "video.example");
  return request;
}

TEST(SigV4Test, APresignedRequestVerifiesUntilItExpires) {
  EXPECT_FALSE(Verify(Presigned()));
  EXPECT_FALSE(Verify(Presigned(), kThen - std::chrono::minutes(5)));
  EXPECT_FALSE(Verify(Presigned(), kThen + std::chrono::seconds(299)));
  const auto late = Verify(Presigned(), kThen + std::chrono::seconds(300));
  ASSERT_TRUE(late);
  EXPECT_EQ(late->kind, Fault::kInvalid);
  EXPECT_THAT(late->message, StartsWith("Signature expired"));
}

TEST(SigV4Test, EveryPartThatIsSignedCountsAndNoOther) {
  Request unsigned_header = Describe();
  unsigned_header.headers.Add("X-Amzn-Trace-Id", "Root=1");
  EXPECT_FALSE(Verify(unsigned_header));

  Request method = Describe();
  method.method = "PUT";
  Request path = Describe();
  path.target = "/deleteStream";
  Request query = Describe();
  query.target += "?a=b";
  Request host = Describe();
  host.headers.Set("host", "other.example");
  Request second_host = Describe();
  second_host.headers.Add("Host", "video.example:8080");
  Request body = Describe();
  body.body += " ";
  for (const Request& request : {method, path, query, host, second_host, body}) {
    const auto fault = Verify(request);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->kind, Fault::kInvalid);
    EXPECT_THAT(fault->message, HasSubstr("does not match"));
  }
  ASSERT_TRUE(Verify(Describe(), kThen, "another"));
}

TEST(SigV4Test, AClockMayBeFiveMinutesOffAndTheMessageSaysWhichWay) {
  EXPECT_FALSE(Verify(Describe(), kThen + kSkewMax));
  EXPECT_FALSE(Verify(Describe(), kThen - kSkewMax));
  const auto behind = Verify(Describe(), kThen + kSkewMax + std::chrono::milliseconds(1));
  ASSERT_TRUE(behind);
  EXPECT_THAT(behind->message, StartsWith("Signature expired: 20260301T081530Z"));
  const auto ahead = Verify(Describe(), kThen - kSkewMax - std::chrono::seconds(1));
  ASSERT_TRUE(ahead);
  EXPECT_THAT(ahead->message, StartsWith("Signature not yet current: 20260301T081530Z"));
}

TEST(SigV4Test, ADigestThatIsNotTheBodysIsRefused) {
  const std::string body = R"({"StreamName":"door"})";
  net::Headers headers;
  headers.Set("x-amz-content-sha256", Sha256Hex(body));
  EXPECT_TRUE(std::holds_alternative<std::string>(PayloadHash(headers, body)));
  headers.Set("x-amz-content-sha256", kEmptyPayload);
  EXPECT_TRUE(std::holds_alternative<Fault>(PayloadHash(headers, body)));
}

TEST(SigV4Test, WhatCannotBeReadIsIncompleteAndSaysWhy) {
  const auto kind_of = [](const Request& request) {
    const auto read = ReadClaim(request.Signed());
    const auto* fault = std::get_if<Fault>(&read);
    return fault == nullptr ? -1 : static_cast<int>(fault->kind);
  };
  Request none;
  none.headers.Add("Host", "video.example");
  EXPECT_EQ(kind_of(none), Fault::kMissing);
  const std::string digits(64, 'a');
  const struct {
    std::string authorization;
    int expected;
  } cases[] = {
      {"Basic eDp5", Fault::kIncomplete},
      {"AWS4-HMAC-SHA256", Fault::kIncomplete},
      {"AWS4-HMAC-SHA256 Credential=a/b", Fault::kIncomplete},
      {Authorization("host;x-amz-date", digits), -1},
      {Authorization("host;x-amz-date", digits) + ",", -1},
      {Authorization("host;x-amz-date", digits) + ", Signature=" + digits, Fault::kIncomplete},
      {Authorization("host;x-amz-date", digits) + ", More=1", Fault::kIncomplete},
      {Authorization("host;x-amz-date", "abc"), Fault::kIncomplete},
      {Authorization("host;x-amz-date", std::string(64, 'A')), Fault::kIncomplete},
      {Authorization("Host", digits), Fault::kIncomplete},
      {Authorization("host;;x-amz-date", digits), Fault::kIncomplete},
      {Authorization("x-amz-date", digits), Fault::kInvalid},
  };
  for (const auto& c : cases) {
    Request request = Describe();
    request.headers.Set("Authorization", c.authorization);
    EXPECT_EQ(kind_of(request), c.expected) << c.authorization;
  }
  Request undated = Describe();
  undated.headers.Remove("X-Amz-Date");
  EXPECT_EQ(kind_of(undated), Fault::kIncomplete);
  Request other_day = Describe();
  other_day.headers.Set("X-Amz-Date", "20260302T081530Z");
  EXPECT_EQ(kind_of(other_day), Fault::kInvalid);
  Request both = Presigned();
  both.headers.Set("Authorization", Authorization("host", digits));
  EXPECT_EQ(kind_of(both), Fault::kIncomplete);
}

TEST(SigV4Test, ABrokenQueryFormIsIncomplete) {
  const std::string whole = Presigned().target;
  for (const std::string_view name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
                                      "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"}) {
    Request request = Presigned();
    const size_t at = request.target.find(name);
    request.target.replace(at, name.size(), "X-Other");
    const auto read = ReadClaim(request.Signed());
    const auto* fault = std::get_if<Fault>(&read);
    ASSERT_NE(fault, nullptr) << name;
    EXPECT_EQ(fault->kind, Fault::kIncomplete) << name;
  }
  for (const std::string_view expires : {"0", "604801", "-1", "1e3", "99999999999999999999"}) {
    Request request = Presigned();
    const size_t at = request.target.rfind("299");
    request.target.replace(at, 3, expires);
    EXPECT_TRUE(std::holds_alternative<Fault>(ReadClaim(request.Signed()))) << expires;
  }
  Request twice = Presigned();
  twice.target += "&X-Amz-Expires=299";
  EXPECT_TRUE(std::holds_alternative<Fault>(ReadClaim(twice.Signed())));
}

TEST(SigV4Test, ACredentialForAnotherServiceIsRefused) {
  const auto read = ReadClaim(Describe().Signed());
  const auto fault = CheckScope(std::get<Claim>(read), "kinesis", kThen);
  ASSERT_TRUE(fault);
  EXPECT_THAT(fault->message, HasSubstr("correct service: 'kinesis'"));
}

TEST(SigV4Test, TimesThatAreNoneAreRefused) {
  EXPECT_EQ(FormatBasicTime(kThen), "20260301T081530Z");
  EXPECT_EQ(ToMs(kThen), 1'772'352'930'000);
  for (const char* text :
       {"", "20260301", "20260301T081530", "20260301t081530Z", "20260230T081530Z",
        "20261301T081530Z", "20260301T241530Z", "20260301T086030Z", "2026030xT081530Z"}) {
    EXPECT_FALSE(ParseBasicTime(text)) << text;
  }
}

TEST(SigV4Test, ThePathIsTakenAsSent) {
  EXPECT_EQ(PathOf("/putMedia?a=b"), "/putMedia");
  EXPECT_EQ(PathOf("http://h:1/getMedia?x"), "/getMedia");
  EXPECT_EQ(PathOf("http://h:1"), "/");
  EXPECT_EQ(PathOf("/a%20b"), "/a%20b");
  EXPECT_EQ(PathOf("?x=y"), "/");
}

}  // namespace
}  // namespace penstock::server::sigv4
