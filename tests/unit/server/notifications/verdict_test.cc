#include "server/notifications/verdict.h"

#include <gtest/gtest.h>

namespace penstock::server::notifications {
namespace {

Verdict Of(int status) {
  OutgoingAnswer answer;
  answer.status = status;
  return Judge(answer);
}

TEST(VerdictTest, WhatMayPassLaterIsTriedAgain) {
  for (const int status : {200, 201, 202, 204, 299})
    EXPECT_EQ(Of(status).kind, Verdict::Kind::kDelivered) << status;
  for (const int status : {500, 502, 503, 599, 408, 425, 429})
    EXPECT_EQ(Of(status).kind, Verdict::Kind::kAgain) << status;
  for (const int status : {301, 302, 307, 400, 401, 403, 404, 410, 413, 422})
    EXPECT_EQ(Of(status).kind, Verdict::Kind::kRefused) << status;
  EXPECT_NE(Of(302).text.find("redirects are not followed"), std::string::npos);
  const Verdict late = Judge(Error(ErrorCode::kTimeout, "http://x: not done in time"));
  EXPECT_EQ(late.kind, Verdict::Kind::kAgain);
  EXPECT_EQ(late.reason, "timeout");
  EXPECT_EQ(late.text, "http://x: not done in time");
}

}  // namespace
}  // namespace penstock::server::notifications
