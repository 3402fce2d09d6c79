// The client's decisions that need no conversation.
#include "base/random.h"
#include "ingest/rtsp/backoff.h"
#include "ingest/rtsp/keep_alive.h"
#include "ingest/rtsp/transport_choice.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BackoffTest, PausesDoubleWithJitterUpToHalfAMinute) {
  const uint64_t seed = RandomU64();
  SCOPED_TRACE(seed);
  Backoff backoff(seed);
  for (const int base : {1000, 2000, 4000, 8000, 16'000, 30'000, 30'000}) {
    const auto pause = backoff.Next().count();
    EXPECT_GE(pause, base * 3 / 4);
    EXPECT_LE(pause, std::min(base * 5 / 4, 30'000));
  }
  backoff.OnStreamed(seconds(9));
  EXPECT_GE(backoff.Next(), milliseconds(22'500));
  backoff.OnStreamed(seconds(10));
  EXPECT_LE(backoff.Next(), milliseconds(1250));
}

TEST(BackoffTest, NothingToRecordIsLookedAtAgainEverMoreSeldomButForGood) {
  const uint64_t seed = RandomU64();
  SCOPED_TRACE(seed);
  Backoff backoff(seed);
  for (const int base : {60, 120, 240, 480, 600, 600}) {
    const auto pause = backoff.NextAfterUnrecordable();
    EXPECT_GE(pause, milliseconds(base * 750));
    EXPECT_LE(pause, milliseconds(std::min(base * 1250, 600'000)));
  }
  backoff.OnStreamed(seconds(10));
  EXPECT_LE(backoff.NextAfterUnrecordable(), seconds(75));
}

TEST(BackoffTest, TwoCamerasDoNotComeBackInStep) {
  Backoff a(1);
  Backoff b(2);
  EXPECT_NE(a.Next(), b.Next());
}

TEST(TransportChoiceTest, AFixedTransportStays) {
  TransportChoice choice(RtspTransport::kTcp);
  EXPECT_FALSE(choice.OnRefused());
  EXPECT_FALSE(choice.udp());
}

TEST(TransportChoiceTest, ARefusalLeadsToTheOtherAndTwoRefusalsToAPause) {
  TransportChoice choice(RtspTransport::kAuto);
  EXPECT_FALSE(choice.udp());
  EXPECT_TRUE(choice.OnRefused());
  EXPECT_TRUE(choice.udp());
  EXPECT_FALSE(choice.OnRefused());
}

TEST(TransportChoiceTest, SilentUdpLeadsToTcpUnlessThatWasRefused) {
  TransportChoice choice(RtspTransport::kUdp);
  EXPECT_TRUE(choice.OnUdpSilent());
  EXPECT_FALSE(choice.udp());
  EXPECT_TRUE(choice.OnRefused());
  EXPECT_TRUE(choice.udp());
  EXPECT_FALSE(choice.OnUdpSilent());
  EXPECT_TRUE(choice.udp());
}

TEST(TransportChoiceTest, WhatItStartedWithIsTriedAgainAfterAnHour) {
  const SteadyTime start{std::chrono::hours(5)};
  TransportChoice choice(RtspTransport::kUdp);
  choice.OnConnecting(start);
  EXPECT_TRUE(choice.OnUdpSilent());
  choice.OnConnecting(start + seconds(5));
  choice.OnConnecting(start + seconds(3599));
  EXPECT_FALSE(choice.udp());
  choice.OnConnecting(start + seconds(3600));
  EXPECT_TRUE(choice.udp());
  EXPECT_TRUE(choice.OnUdpSilent());
  choice.OnConnecting(start + seconds(3605));
  EXPECT_FALSE(choice.udp()) << "once an hour";
}

TEST(KeepAliveTest, PrefersWhatTheCameraListsAndPassesOverWhatItRefuses) {
  KeepAlive keep_alive;
  EXPECT_EQ(keep_alive.method(), "OPTIONS");
  keep_alive.OnPublic({"DESCRIBE", "SET_PARAMETER", "OPTIONS"});
  EXPECT_EQ(keep_alive.method(), "OPTIONS");
  keep_alive.OnAnswer(401);
  EXPECT_EQ(keep_alive.method(), "OPTIONS");
  keep_alive.OnAnswer(405);
  EXPECT_EQ(keep_alive.method(), "SET_PARAMETER");
  keep_alive.OnPublic({"OPTIONS", "GET_PARAMETER"});
  EXPECT_EQ(keep_alive.method(), "GET_PARAMETER");
}

TEST(KeepAliveTest, TheIntervalIsHalfTheTimeoutWithinBounds) {
  KeepAlive keep_alive;
  EXPECT_EQ(keep_alive.interval(), seconds(30));
  keep_alive.OnSession(seconds(10));
  EXPECT_EQ(keep_alive.interval(), seconds(5));
  keep_alive.OnSession(seconds(86'400));
  EXPECT_EQ(keep_alive.interval(), seconds(30));
}

}  // namespace
}  // namespace penstock::ingest::rtsp
