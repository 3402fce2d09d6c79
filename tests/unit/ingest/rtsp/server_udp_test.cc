// Publishers that send their packets by UDP, on a simulated clock.
#include "base/limits.h"
#include "ingest/rtsp/server_session.h"
#include "tests/unit/ingest/rtsp/fake_camera.h"
#include "tests/unit/ingest/rtsp/publisher.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerUdpTest : public PublishingTest {
 protected:
  BindUdp Bind() {
    return [this](std::string address) -> Result<UdpTrack::Sockets> {
      bound_ = std::move(address);
      if (no_ports_) return Error(ErrorCode::kUnavailable, "no port is free");
      std::unique_ptr<net::UdpSocket> made[2];
      for (auto& socket : made) {
        sockets_.push_back(std::make_shared<FakeUdpSocket::State>());
        sockets_.back()->port = static_cast<uint16_t>(50000 + sockets_.size() - 1);
        socket = std::make_unique<FakeUdpSocket>(sockets_.back());
      }
      return std::pair(std::move(made[0]), std::move(made[1]));
    };
  }
  void BecomeRecording(Publisher& publisher) {
    publisher.Announce();
    EXPECT_THAT(publisher.SetUp(0, "RTP/AVP/UDP;unicast;client_port=6000-6001;mode=record"),
                HasSubstr("Transport: RTP/AVP/UDP;unicast;client_port=6000-6001;"
                          "server_port=50000-50001;mode=record"));
    EXPECT_THAT(publisher.SetUp(1, "RTP/AVP;unicast;client_port=6002-6003"),
                HasSubstr("server_port=50002-50003"));
    EXPECT_THAT(publisher.Ask("RECORD", "rtsp://h/cam"), StartsWith("RTSP/1.0 200"));
  }
  void Deliver(size_t socket, const Bytes& packet, std::string from = "127.0.0.1") {
    executor_.Post([this, socket, packet, from] { sockets_[socket]->Deliver(packet, from); });
    executor_.RunUntilIdle();
  }

  std::vector<std::shared_ptr<FakeUdpSocket::State>> sockets_;
  std::string bound_;
  bool no_ports_ = false;
};

TEST_F(ServerUdpTest, PacketsOfEachTrackAreRecordedAndReportsGoBack) {
  Publisher publisher(executor_, context_, local_, Bind());
  BecomeRecording(publisher);
  EXPECT_EQ(bound_, "127.0.0.1");
  Deliver(0, RtpPacket(96, 1, 0, "K"));
  Deliver(2, RtpPacket(97, 1, 0, "K"));
  // Out of their order, as only UDP brings them.
  Deliver(0, RtpPacket(96, 3, 6000, "p"));
  Deliver(0, RtpPacket(96, 2, 3000, "p"));
  EXPECT_EQ(Got().UnitsOf(1), 3u);
  EXPECT_EQ(Got().UnitsOf(2), 1u);
  EXPECT_TRUE(Got().lost.empty());
  executor_.Advance(seconds(6));
  ASSERT_EQ(sockets_[1]->sent.size(), 1u);
  EXPECT_EQ(sockets_[1]->sent[0].second.ToString(), "127.0.0.1:6001");
  EXPECT_EQ(sockets_[3]->sent[0].second.port, 6003);
  EXPECT_TRUE(sockets_[0]->sent.empty());
}

TEST_F(ServerUdpTest, APacketThatNeverComesIsLostInTimeAndNotWaitedFor) {
  Publisher publisher(executor_, context_, local_, Bind());
  BecomeRecording(publisher);
  Deliver(0, RtpPacket(96, 1, 0, "K"));
  Deliver(0, RtpPacket(96, 3, 6000, "p"));
  EXPECT_EQ(Got().UnitsOf(1), 1u);
  executor_.Advance(seconds(2));
  EXPECT_EQ(Got().UnitsOf(1), 2u);
  EXPECT_FALSE(Got().lost.empty());
}

TEST_F(ServerUdpTest, PacketsFromElsewhereAreNotTaken) {
  Publisher publisher(executor_, context_, local_, Bind());
  BecomeRecording(publisher);
  Deliver(0, RtpPacket(96, 1, 0, "K"), "10.0.0.66");
  EXPECT_EQ(Got().UnitsOf(1), 0u);
  Deliver(0, RtpPacket(96, 1, 0, "K"));
  EXPECT_EQ(Got().UnitsOf(1), 1u);
}

TEST_F(ServerUdpTest, PacketsAloneKeepASessionAndSilenceEndsIt) {
  Publisher publisher(executor_, context_, local_, Bind());
  BecomeRecording(publisher);
  for (uint16_t s = 0; s < 100; ++s) {
    Deliver(0, RtpPacket(96, s, s * 90'000u, "K"));
    executor_.Advance(seconds(1));
  }
  EXPECT_FALSE(publisher.closed());
  EXPECT_EQ(Got().UnitsOf(1), 100u);
  executor_.Advance(limits::kRtspPublisherStall + seconds(2));
  EXPECT_TRUE(publisher.closed());
  EXPECT_EQ(Got().ended, 1);
  for (const auto& socket : sockets_) EXPECT_TRUE(socket->closed);
}

TEST_F(ServerUdpTest, WhatArrivedBeforeTheTeardownIsKept) {
  Publisher publisher(executor_, context_, local_, Bind());
  BecomeRecording(publisher);
  Deliver(0, RtpPacket(96, 1, 0, "K"));
  // The session hears of the end before its socket is looked at.
  executor_.Post([this] {
    sockets_[0]->inbox.emplace_back(RtpPacket(96, 2, 3000, "p").text(),
                                    net::Endpoint{"127.0.0.1", 7000});
  });
  publisher.Ask("TEARDOWN", "rtsp://h/cam");
  EXPECT_EQ(Got().UnitsOf(1), 2u);
  EXPECT_EQ(Got().ended, 1);
}

TEST_F(ServerUdpTest, ThePublishersFirstChoiceThatIsPossibleIsTaken) {
  Publisher publisher(executor_, context_, local_, Bind());
  publisher.Announce();
  EXPECT_THAT(publisher.SetUp(0,
                              "RTP/AVP;unicast, RTP/SAVP;unicast;client_port=1-2, "
                              "RTP/AVP/TCP;unicast;interleaved=0-1"),
              HasSubstr("interleaved=0-1"));
  no_ports_ = true;
  EXPECT_THAT(publisher.SetUp(1, "RTP/AVP;unicast;client_port=6002-6003"),
              HasSubstr("503 no port is free"));
  EXPECT_THAT(publisher.SetUp(1, "RTP/AVP/TCP;unicast;interleaved=2-3"), HasSubstr("200 OK"));
}

}  // namespace
}  // namespace penstock::ingest::rtsp
