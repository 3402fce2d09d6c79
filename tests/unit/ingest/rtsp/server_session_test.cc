// Publishers' conversations with the server, on a simulated clock.
#include "ingest/rtsp/server_session.h"

#include "tests/unit/ingest/rtsp/publisher.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServerSessionTest : public PublishingTest {};

TEST_F(ServerSessionTest, APublisherIsRecordedToItsTeardown) {
  MemoryStream::Options in_pieces = local_;
  in_pieces.piece = 3;
  Publisher publisher(executor_, context_, in_pieces);
  EXPECT_THAT(publisher.Ask("OPTIONS", "rtsp://h/cam"),
              HasSubstr("Public: OPTIONS, ANNOUNCE, SETUP, RECORD"));
  publisher.BecomeRecording();
  publisher.SendPacket(0, RtpPacket(96, 1, 0, "K"));
  publisher.SendPacket(2, RtpPacket(97, 1, 0, "K"));
  publisher.SendPacket(1, SenderReportPacket(uint64_t{0xec3c5f80} << 32, 0));
  publisher.SendPacket(7, RtpPacket(96, 2, 0, "K"));  // a channel nobody set up
  EXPECT_THAT(publisher.Ask("TEARDOWN", "rtsp://h/cam"),
              StartsWith("RTSP/1.0 200 OK\r\nCSeq: 6\r\n"));
  const Delivered got = Got();
  EXPECT_EQ(got.UnitsOf(1), 1u);
  EXPECT_EQ(got.UnitsOf(2), 1u);
  EXPECT_EQ(got.sender_reports.size(), 1u);
  EXPECT_EQ(got.ended, 1);
  EXPECT_TRUE(publisher.closed());
}

TEST_F(ServerSessionTest, UdpIsRefusedWithAHintWhereThereIsNone) {
  Publisher publisher(executor_, context_, local_);
  publisher.Announce();
  EXPECT_THAT(publisher.SetUp(0, "RTP/AVP/UDP;unicast;client_port=5000-5001;mode=record"),
              HasSubstr("461 Unsupported Transport: publish over TCP"));
  EXPECT_THAT(publisher.SetUp(0, "RTP/AVP;multicast, RTP/AVP/TCP;unicast;interleaved=0-1"),
              HasSubstr("200 OK"));
}

TEST_F(ServerSessionTest, ChannelsThatCollideAreMoved) {
  Publisher publisher(executor_, context_, local_);
  publisher.Announce();
  EXPECT_THAT(publisher.SetUp(0, "RTP/AVP/TCP;unicast;interleaved=0-1"),
              HasSubstr("interleaved=0-1"));
  EXPECT_THAT(publisher.SetUp(1, "RTP/AVP/TCP;unicast;interleaved=1-2"),
              HasSubstr("interleaved=2-3"));
  publisher.Ask("RECORD", "rtsp://h/cam");
  publisher.SendPacket(2, RtpPacket(97, 1, 0, "K"));
  EXPECT_EQ(Got().UnitsOf(2), 1u);
}

TEST_F(ServerSessionTest, WhatCannotBeRecordedIsRefusedByName) {
  Publisher publisher(executor_, context_, local_);
  EXPECT_THAT(publisher.Announce("rtsp://h/cam", "v=0\r\nm=audio 0 RTP/AVP 0\r\n"),
              StartsWith("RTSP/1.0 415 Unsupported Media Type: G.711 (PCMU) cannot be recorded"));
  EXPECT_THAT(publisher.Announce("rtsp://h/cam", "v=0\r\nm=video 0 RTP/SAVP 96\r\n"),
              HasSubstr("encrypted RTP (RTP/SAVP)"));
  EXPECT_THAT(publisher.Announce("rtsp://h/cam", "v=0\r\n"),
              StartsWith("RTSP/1.0 400 the session description has no media"));
  EXPECT_THAT(publisher.Announce("rtsp://h/cam", "hello"),
              StartsWith("RTSP/1.0 400 not a session description"));
  EXPECT_THAT(publisher.Ask("ANNOUNCE", "rtsp://h/cam", "Content-Type: text/html\r\n", "x"),
              StartsWith("RTSP/1.0 415"));
  EXPECT_EQ(Got().begun, 0);
  EXPECT_THAT(publisher.Announce(), StartsWith("RTSP/1.0 200"));
}

TEST_F(ServerSessionTest, PlayersAreSentToHls) {
  Publisher player(executor_, context_, local_);
  for (const std::string_view method : {"DESCRIBE", "PLAY"}) {
    const std::string answer = player.Ask(method, "rtsp://h/cam");
    EXPECT_THAT(answer, StartsWith("RTSP/1.0 405 Method Not Allowed: play this stream by HLS"));
    EXPECT_THAT(answer, HasSubstr("Allow: OPTIONS, ANNOUNCE"));
  }
  EXPECT_THAT(player.Ask("REDIRECT", "rtsp://h/cam"), StartsWith("RTSP/1.0 501 Not Implemented"));
}

TEST_F(ServerSessionTest, RequestsOutOfOrderAreRefused) {
  Publisher publisher(executor_, context_, local_);
  for (const std::string_view method : {"SETUP", "RECORD", "PAUSE"}) {
    EXPECT_THAT(publisher.Ask(method, "rtsp://h/cam"), StartsWith("RTSP/1.0 455")) << method;
  }
  publisher.Announce();
  EXPECT_THAT(publisher.Announce(), StartsWith("RTSP/1.0 455"));
  EXPECT_THAT(publisher.Ask("RECORD", "rtsp://h/cam"), StartsWith("RTSP/1.0 455"));
  EXPECT_THAT(publisher.SetUp(9, "RTP/AVP/TCP;interleaved=0-1"), StartsWith("RTSP/1.0 404"));
  publisher.SetUp(0, "RTP/AVP/TCP;interleaved=0-1");
  EXPECT_THAT(publisher.SetUp(0, "RTP/AVP/TCP;interleaved=0-1"), StartsWith("RTSP/1.0 455"));
  EXPECT_THAT(publisher.Ask("RECORD", "rtsp://h/cam", "Session: 99\r\n"),
              StartsWith("RTSP/1.0 454"));
  EXPECT_THAT(publisher.Ask("RECORD", "rtsp://h/cam"), StartsWith("RTSP/1.0 200"));
}

TEST_F(ServerSessionTest, BadRequestsGetClearAnswers) {
  Publisher publisher(executor_, context_, local_);
  for (const std::string_view url :
       {"rtsp://h/", "rtsp://h/a/b", "rtsp://h/%20", "*", "http://h/cam"}) {
    EXPECT_THAT(publisher.Announce(url), StartsWith("RTSP/1.0 400")) << url;
  }
  EXPECT_THAT(
      publisher.Ask("OPTIONS", "*", "Require: implicit-play\r\n"),
      HasSubstr(
          "551 Option not supported\r\nCSeq: 6\r\nServer: Penstock\r\nUnsupported: implicit-play"));
  publisher.Send(Bytes::Copy("OPTIONS * RTSP/1.0\r\n\r\n"));
  EXPECT_THAT(publisher.received(), HasSubstr("400 Bad Request: no CSeq"));
  publisher.Send(Bytes::Copy("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_THAT(publisher.received(), HasSubstr("505 RTSP Version Not Supported"));
  publisher.Send(Bytes::Copy("\x16\x03\x01"));
  EXPECT_THAT(publisher.received(),
              HasSubstr("400 neither a message nor a packet starts with byte 0x16"));
  EXPECT_TRUE(publisher.closed());
}

TEST_F(ServerSessionTest, ASecondPublisherIsRefusedAndTheFirstIsNotHarmed) {
  Publisher first(executor_, context_, local_);
  first.BecomeRecording();
  {
    Publisher second(executor_, context_, local_);
    EXPECT_THAT(second.Announce(),
                StartsWith("RTSP/1.0 406 stream cam is being published by somebody else"));
    second.Send(Bytes::Copy(std::string(40'000, 'x')));
    EXPECT_THAT(second.received(), HasSubstr("413"));
  }
  first.SendPacket(0, RtpPacket(96, 1, 0, "K"));
  EXPECT_EQ(Got().UnitsOf(1), 1u);
  EXPECT_EQ(Got().ended, 0);
}

TEST_F(ServerSessionTest, AFullStoreIsSaid) {
  publications_.Refuse(Error(ErrorCode::kFull, "no room on the volume"));
  Publisher publisher(executor_, context_, local_);
  EXPECT_THAT(publisher.Announce(), StartsWith("RTSP/1.0 503 no room on the volume"));
}

TEST_F(ServerSessionTest, FromAfarAKeyIsNeeded) {
  MemoryStream::Options remote = local_;
  remote.first = net::Endpoint{"10.0.0.9", 40000};
  Publisher publisher(executor_, context_, remote);
  const std::string challenge = publisher.Announce();
  EXPECT_THAT(challenge, StartsWith("RTSP/1.0 401 Unauthorized"));
  EXPECT_THAT(challenge, HasSubstr("WWW-Authenticate: Digest realm=\"penstock\""));
  EXPECT_THAT(challenge, HasSubstr("WWW-Authenticate: Basic realm=\"penstock\""));
  EXPECT_THAT(publisher.Announce("rtsp://h/other?key=key"), StartsWith("RTSP/1.0 403"));
  EXPECT_EQ(Got().begun, 0);
  EXPECT_THAT(publisher.Announce("rtsp://h/cam?key=key"), StartsWith("RTSP/1.0 200"));
}

TEST_F(ServerSessionTest, GuessingKeysEndsTheConnection) {
  Publisher publisher(executor_, context_, local_);
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(publisher.Announce("rtsp://h/cam?key=guess"), StartsWith("RTSP/1.0 401"));
  EXPECT_TRUE(publisher.closed());
}

TEST_F(ServerSessionTest, APublisherThatFallsSilentIsEnded) {
  Publisher publisher(executor_, context_, local_);
  publisher.BecomeRecording();
  publisher.SendPacket(0, RtpPacket(96, 1, 0, "K"));
  executor_.Advance(seconds(9));
  EXPECT_EQ(Got().ended, 0);
  executor_.Advance(seconds(2));
  EXPECT_EQ(Got().ended, 1);
  EXPECT_TRUE(publisher.closed());
}

TEST_F(ServerSessionTest, ThePublisherOfADeletedStreamIsEnded) {
  Publisher publisher(executor_, context_, local_);
  publisher.BecomeRecording();
  publisher.SendPacket(0, RtpPacket(96, 1, 0, "K"));
  publications_.DeleteStream("cam");
  executor_.Advance(seconds(2));
  EXPECT_TRUE(publisher.closed());
  EXPECT_EQ(Got().ended, 1);
}

TEST_F(ServerSessionTest, AConnectionThatPublishesNothingIsEnded) {
  Publisher publisher(executor_, context_, local_);
  for (int i = 0; i < 58; ++i) {
    publisher.Ask("OPTIONS", "*");
    executor_.Advance(seconds(1));
  }
  EXPECT_FALSE(publisher.closed());
  executor_.Advance(seconds(3));
  EXPECT_TRUE(publisher.closed());
}

TEST_F(ServerSessionTest, APauseBreaksTheRunAndKeepsThePublication) {
  Publisher publisher(executor_, context_, local_);
  publisher.BecomeRecording();
  publisher.SendPacket(0, RtpPacket(96, 1, 0, "K"));
  EXPECT_THAT(publisher.Ask("PAUSE", "rtsp://h/cam"), StartsWith("RTSP/1.0 200"));
  publisher.SendPacket(0, RtpPacket(96, 2, 0, "K"));
  executor_.Advance(seconds(30));
  EXPECT_THAT(publisher.Ask("GET_PARAMETER", "rtsp://h/cam"), StartsWith("RTSP/1.0 200"));
  EXPECT_THAT(publisher.Ask("RECORD", "rtsp://h/cam"), StartsWith("RTSP/1.0 200"));
  publisher.SendPacket(0, RtpPacket(96, 3, 0, "K"));
  EXPECT_EQ(Got().UnitsOf(1), 2u);
  EXPECT_EQ(Got().breaks, 1);
}

TEST_F(ServerSessionTest, ReceiverReportsGoOutAndAPublisherThatDoesNotReadThemIsNotHarmed) {
  MemoryStream::Options narrow = local_;
  narrow.window = 600;
  Publisher publisher(executor_, context_, narrow);
  publisher.BecomeRecording();
  for (uint16_t i = 0; i < 60; ++i) {
    publisher.SendPacket(0, RtpPacket(96, i, 0, "K"));
    executor_.Advance(seconds(1));
  }
  EXPECT_THAT(publisher.received(), HasSubstr(std::string("$\x01", 2)));
  EXPECT_EQ(Got().UnitsOf(1), 60u);
}

TEST_F(ServerSessionTest, UnreadablePacketsAreSaid) {
  Publisher publisher(executor_, context_, local_);
  publisher.BecomeRecording();
  for (uint16_t i = 0; i < 8; ++i) {
    publisher.SendPacket(0, RtpPacket(96, i, 0, "?"));
    executor_.Advance(seconds(1));
  }
  EXPECT_EQ(publications_.Last("cam").reason, "track 1 (H.264) cannot be read: no NAL unit in it");
}

}  // namespace
}  // namespace penstock::ingest::rtsp
