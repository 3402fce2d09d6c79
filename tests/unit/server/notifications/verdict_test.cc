#include "server/notifications/verdict.h"

#include <gtest/gtest.h>

#include "server/notifications/gate.h"

namespace penstock::server::notifications {
namespace {

using std::chrono::milliseconds;

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

TEST(PausesTest, EachIsUpToTwiceTheOneBeforeAndNoneIsTooLong) {
  Pauses pauses(milliseconds(1000), milliseconds(60'000), 7);
  bool varies = false;
  for (const int most : {1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000}) {
    const milliseconds pause = pauses.Next();
    EXPECT_LE(pause.count(), most);
    EXPECT_GE(pause.count(), most / 2);
    varies |= pause.count() != most;
  }
  EXPECT_TRUE(varies);
}

TEST(GateTest, SoManyAreInsideAndTheOthersComeInTheirOrder) {
  SimulatedClock clock(ServerTimeFromMs(0));
  SimulatedExecutor executor(clock);
  Gate gate(2);
  std::map<int, Gate::Seat> inside;
  const auto enter = [](Gate& g, std::map<int, Gate::Seat>& in, int name) -> Task<void> {
    Gate::Seat seat = co_await g.Enter();
    in.emplace(name, std::move(seat));
  };
  executor.Post([&] {
    for (int name = 1; name <= 4; ++name) Detach(enter(gate, inside, name));
  });
  executor.RunUntilIdle();
  EXPECT_EQ(inside.size(), 2u);
  EXPECT_EQ(gate.waiting(), 2u);
  executor.Post([&] { inside.erase(2); });
  executor.RunUntilIdle();
  EXPECT_EQ(inside.size(), 2u);
  EXPECT_EQ(inside.count(3), 1u);
  executor.Post([&] {
    inside.erase(1);
    inside.erase(3);
  });
  executor.RunUntilIdle();
  EXPECT_EQ(inside.count(4), 1u);
  inside.clear();
  EXPECT_EQ(gate.waiting(), 0u);
}

}  // namespace
}  // namespace penstock::server::notifications
