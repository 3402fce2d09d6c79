#include "server/outgoing/bucket.h"

#include "server/auth/sigv4/claim.h"
#include "tests/unit/server/outgoing/hook.h"

namespace penstock::server {
namespace {

BucketAccess Access(std::string_view endpoint) {
  BucketAccess access;
  access.endpoint = HttpUrl::Parse(endpoint).value();
  access.region = "eu-west-1";
  access.access_key = "AKIDEXAMPLE";
  access.secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  return access;
}

NewObject Picture() {
  NewObject object;
  object.bucket = "pictures";
  object.key = "door/2026 + 1/a~b%c.jpg";
  object.content_type = "image/jpeg";
  object.metadata = {
      {"aws_kinesisvideo_fragment_number", "91343852333181432392682062676631516128311303921"},
      {"Site", "gate  3"},
      {"caf\xc3", "Caf\xc3\xa9"}};
  object.content = Bytes::Copy("picture");
  return object;
}

// What botocore's S3SigV4Auth signs the same request with.
TEST(BucketTest, ARequestIsSignedAsAmazonsOwnClientsSignIt) {
  const ServerTime now = sigv4::ParseBasicTime("20260115T120000Z").value();
  const NewObject object = Picture();
  const OutgoingRequest request = SignedPut(Access("http://127.0.0.1:9000"), object, now);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.url.target, "/pictures/door/2026%20%2B%201/a~b%25c.jpg");
  EXPECT_EQ(request.headers.Get("x-amz-meta-caf_"), "=?UTF-8?B?Q2Fmw6k=?=");
  EXPECT_EQ(request.headers.Get("Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/eu-west-1/s3/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;"
            "x-amz-meta-aws_kinesisvideo_fragment_number;x-amz-meta-caf_;x-amz-meta-site, "
            "Signature=8599acbd2de0fc3d92ba663b99a0798a019c8287611e3ac7a2142726323d4111");
}

class BucketPutTest : public HookTest {};

TEST_F(BucketPutTest, AnObjectIsPutFromAThreadThatWaits) {
  SimulatedClock clock(ServerTimeFromMs(1'768'478'400'000));
  Buckets buckets(outgoing_, clock, Access(hook_.Url("")));
  const Status put = SyncWait(buckets.PutObject(Picture()));
  ASSERT_TRUE(put.ok()) << put.error().ToString();
  const Hook::Seen seen = hook_.WaitFor(1)[0];
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/pictures/door/2026%20%2B%201/a~b%25c.jpg");
  EXPECT_EQ(seen.body, "picture");
  EXPECT_EQ(seen.headers.Get("x-amz-meta-site"), "gate  3");
  EXPECT_EQ(seen.headers.Get("Content-Type"), "image/jpeg");
}

TEST_F(BucketPutTest, WhatTheServerSaysIsTold) {
  SimulatedClock clock(ServerTimeFromMs(1'768'478'400'000));
  Buckets buckets(outgoing_, clock, Access(hook_.Url("")));
  const auto put = [&](int status, std::string text) {
    hook_.Answer(status, std::move(text));
    return SyncWait(buckets.PutObject(Picture())).error();
  };
  const Error missing = put(404, "<Error><Code>NoSuchBucket</Code></Error>");
  EXPECT_EQ(missing.code(), ErrorCode::kNotFound);
  EXPECT_NE(missing.message().find("HTTP 404 NoSuchBucket"), std::string::npos);
  EXPECT_EQ(missing.message().find("EXAMPLEKEY"), std::string::npos);
  EXPECT_EQ(put(403, "").code(), ErrorCode::kForbidden);
  EXPECT_EQ(put(503, "").code(), ErrorCode::kUnavailable);
  EXPECT_EQ(put(400, "").code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(put(301, "").code(), ErrorCode::kInvalidArgument) << "not followed";
}

}  // namespace
}  // namespace penstock::server
