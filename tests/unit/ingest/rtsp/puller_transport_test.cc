#include "tests/unit/ingest/rtsp/puller_fixture.h"

namespace penstock::ingest::rtsp {
namespace {

TEST_F(PullerTest, TcpRefusedLeadsToUdpAtOnce) {
  camera_.answers["SETUP"] = [this](const Request& request) -> std::optional<Response> {
    if (request.headers.Find("Transport")->find("TCP") == std::string_view::npos)
      return camera_.Usual(request);
    Response response;
    response.status = 461;
    return response;
  };
  Start();
  EXPECT_EQ(camera_.Asked(), "OPTIONS DESCRIBE SETUP OPTIONS DESCRIBE SETUP SETUP PLAY");
  EXPECT_EQ(camera_.sockets.size(), 4u);
  EXPECT_EQ(camera_.requests[6].headers.Find("Transport"),
            "RTP/AVP;unicast;client_port=50002-50003");
  // The way through routers is opened on both ports.
  ASSERT_EQ(camera_.sockets[0]->sent.size(), 1u);
  EXPECT_EQ(camera_.sockets[0]->sent[0].second.ToString(), "10.0.0.7:6970");
  EXPECT_EQ(camera_.sockets[1]->sent[0].second.ToString(), "10.0.0.7:6971");
}

TEST_F(PullerTest, PacketsOfStrangersAreNotTaken) {
  Start(RtspTransport::kUdp);
  executor_.Post([this] {
    camera_.sockets[0]->Deliver(RtpPacket(96, 1, 0, "K"), "10.0.0.66");
    camera_.sockets[0]->Deliver(RtpPacket(96, 1, 0, "K"), "10.0.0.7");
    camera_.sockets[0]->Deliver(RtpPacket(96, 3, 0, "p"), "10.0.0.7");
    camera_.sockets[0]->Deliver(RtpPacket(96, 2, 0, "p"), "10.0.0.7");
  });
  executor_.RunUntilIdle();
  EXPECT_EQ(Got().UnitsOf(1), 3u) << "and disorder is mended";
  EXPECT_TRUE(Got().lost.empty());
}

TEST_F(PullerTest, UdpThatBringsNothingLeadsToTcp) {
  Start(RtspTransport::kUdp);
  Wait(milliseconds(5100));
  EXPECT_EQ(camera_.Asked(),
            "OPTIONS DESCRIBE SETUP SETUP PLAY TEARDOWN OPTIONS DESCRIBE SETUP SETUP PLAY");
  EXPECT_THAT(std::string(*camera_.requests[8].headers.Find("Transport")), HasSubstr("TCP"));
  Play(seconds(2));
  EXPECT_EQ(Last().state, SourceState::kRecording);
}

TEST_F(PullerTest, ACameraThatRefusesBothIsTriedLater) {
  camera_.answers["SETUP"] = Status(461);
  Start();
  EXPECT_EQ(camera_.dialled.size(), 2u);
  EXPECT_THAT(Last().reason, StartsWith("461: the camera refuses UDP; next try in 1 s"));
}

TEST_F(PullerTest, AWrongPasswordIsSentOnceAMinute) {
  camera_.answers["DESCRIBE"] = Status(401, "WWW-Authenticate", R"(Digest realm="r", nonce="n")");
  Start();
  EXPECT_EQ(camera_.Count("DESCRIBE"), 2u);
  EXPECT_THAT(Last().reason,
              StartsWith("401: the camera refuses user 'u' with this password; next try in"));
  Wait(seconds(40));
  EXPECT_EQ(camera_.Count("DESCRIBE"), 2u);
  Wait(seconds(40));
  EXPECT_EQ(camera_.Count("DESCRIBE"), 4u);
}

TEST_F(PullerTest, PlainWordsForEveryRefusal) {
  const std::pair<int, std::string> cases[] = {
      {403, "403: the camera forbids this to user 'u'"},
      {404, "404: the camera has nothing at /live"},
      {453, "453: the camera has no bandwidth or session left"},
      {503, "503: the camera is busy (Service Unavailable)"},
      {418, "418: the camera refuses DESCRIBE ()"}};
  for (const auto& [status, words] : cases) {
    FakeCamera camera;
    camera.answers["DESCRIBE"] = Status(status);
    ClientEnvironment environment{camera, clock_, publications_, FakeDepayloaders()};
    TaskGroup group;
    executor_.Post([&] {
      SourceConfig config{*StreamName::Parse("cam"), "rtsp://u:p@h/live?x=1", RtspTransport::kAuto};
      group.Spawn(Pull(environment, config, 1, group.token()));
    });
    executor_.RunUntilIdle();
    EXPECT_THAT(Last().reason, StartsWith(words + "; next try in 1 s"));
    executor_.Post([&] { group.Cancel(); });
    executor_.RunUntilIdle();
  }
}

TEST_F(PullerTest, NothingRecordableIsRefusedByNameAndLookedAtAgainAfterMinutes) {
  const std::string recordable = camera_.sdp;
  camera_.sdp =
      "v=0\r\nm=video 0 RTP/AVP 26\r\nm=audio 0 RTP/AVP 0\r\nm=application 0 RTP/AVP 107\r\n"
      "a=rtpmap:107 vnd.onvif.metadata/90000\r\n";
  Start();
  EXPECT_EQ(Last().state, SourceState::kFailed);
  EXPECT_THAT(Last().reason,
              ::testing::MatchesRegex("unsupported codec Motion JPEG, G.711 .PCMU.; next try in "
                                      "[0-9]+ s"));
  Wait(seconds(40));
  EXPECT_EQ(camera_.dialled.size(), 1u);
  Wait(std::chrono::hours(3));
  EXPECT_THAT(Last().reason, ::testing::EndsWith(" min"));
  EXPECT_GE(camera_.dialled.size(), 17u);
  EXPECT_LE(camera_.dialled.size(), 27u);
  // Somebody changes its settings.
  camera_.sdp = recordable;
  for (int s = 0; s < 600 && camera_.Count("PLAY") == 0; ++s) Wait(seconds(1));
  Play(seconds(2));
  EXPECT_EQ(Last().state, SourceState::kRecording);
}

TEST_F(PullerTest, ACameraWhoseMediaAreInactiveWhileItBootsIsRecordedSoonAfter) {
  const std::string booted = camera_.sdp;
  camera_.sdp += "a=inactive\r\n";
  camera_.sdp.insert(camera_.sdp.find("m=audio"), "a=inactive\r\n");
  Start();
  EXPECT_THAT(Last().reason, StartsWith("the camera offers neither video nor audio; next try in"));
  camera_.sdp = booted;
  for (int s = 0; s < 75 && camera_.Count("PLAY") == 0; ++s) Wait(seconds(1));
  Play(seconds(2));
  EXPECT_EQ(Last().state, SourceState::kRecording);
}

TEST_F(PullerTest, UdpThatBroughtNothingIsTriedAgainWhenTheCameraComesBackAnHourLater) {
  Start(RtspTransport::kUdp);
  Wait(milliseconds(5100));
  Play(seconds(2));
  const auto last_transport = [this] {
    std::string last;
    for (const Request& request : camera_.requests) {
      if (request.method == "SETUP") last = *request.headers.Find("Transport");
    }
    return last;
  };
  EXPECT_THAT(last_transport(), HasSubstr("TCP"));
  camera_.Hang();
  Wait(seconds(2));
  EXPECT_THAT(last_transport(), HasSubstr("TCP"));
  camera_.refuse_connections = true;
  camera_.Hang();
  Wait(std::chrono::hours(1));
  camera_.refuse_connections = false;
  const size_t before = camera_.Count("SETUP");
  for (int s = 0; s < 31 && camera_.Count("SETUP") == before; ++s) Wait(seconds(1));
  EXPECT_THAT(last_transport(), HasSubstr("client_port"));
}

TEST_F(PullerTest, AUrlThatCannotBeOneIsRefused) {
  Start(RtspTransport::kAuto, "rtsp://h:99999/x");
  EXPECT_EQ(Last().state, SourceState::kRefused);
  EXPECT_THAT(Last().reason, HasSubstr("bad port"));
}

TEST_F(PullerTest, ARedirectIsFollowedWithoutTellingThePasswordToStrangers) {
  int redirects = 1;
  camera_.answers["DESCRIBE"] = [&, this](const Request& request) -> std::optional<Response> {
    if (redirects-- > 0) return Status(302, "Location", "rtsp://10.0.0.8:8554/other")(request);
    return Status(401, "WWW-Authenticate", R"(Basic realm="r")")(request);
  };
  Start();
  EXPECT_THAT(camera_.dialled, ::testing::ElementsAre("10.0.0.7:554", "10.0.0.8:8554"));
  EXPECT_THAT(Last().reason, StartsWith("401: the camera asks for a user and a password"));
}

TEST_F(PullerTest, ARedirectOutOfTlsIsNotFollowed) {
  camera_.answers["DESCRIBE"] = Status(302, "Location", "rtsp://10.0.0.7/live");
  Start(RtspTransport::kAuto, "rtsps://u:p@10.0.0.7/live");
  EXPECT_THAT(camera_.dialled, ::testing::ElementsAre("tls 10.0.0.7:322"));
  EXPECT_THAT(Last().reason, StartsWith("the camera redirects to a connection without TLS"));
}

TEST_F(PullerTest, ACertificateNobodyTrustsIsToldWithItsFingerprintAndHowToAcceptIt) {
  camera_.certificate = std::string(64, 'a');
  Start(RtspTransport::kAuto, "rtsps://u:p@10.0.0.7/live");
  EXPECT_THAT(Last().reason,
              StartsWith("no connection to 10.0.0.7:322: the certificate is self-signed; its "
                         "SHA-256 fingerprint is " +
                         camera_.certificate +
                         "; if that is the camera's own, accept it with --tls-fingerprint"));
  EXPECT_EQ(camera_.requests.size(), 0u);
}

TEST_F(PullerTest, OverTlsThereIsTcpOnlyAndTheAcceptedCertificateIsPassedOn) {
  camera_.certificate = std::string(64, 'a');
  camera_.answers["SETUP"] = Status(461);
  Start(RtspTransport::kAuto, "rtsps://u:p@10.0.0.7/live", camera_.certificate);
  EXPECT_EQ(camera_.Count("SETUP"), 1u);
  EXPECT_EQ(camera_.requests.back().url, "rtsps://10.0.0.7/live/v");
  EXPECT_THAT(Last().reason, StartsWith("461: the camera refuses TCP"));
  EXPECT_TRUE(camera_.sockets.empty());
}

TEST_F(PullerTest, ARingOfRedirectsEnds) {
  camera_.answers["DESCRIBE"] = Status(301, "Location", "rtsp://10.0.0.7/live");
  Start();
  EXPECT_EQ(camera_.dialled.size(), 4u);
  EXPECT_EQ(Last().state, SourceState::kFailed);
}

TEST_F(PullerTest, AStreamThatIsTakenIsSaid) {
  publications_.Refuse(
      Error(ErrorCode::kAlreadyExists, "stream cam is being published by 10.0.0.9"));
  Start();
  EXPECT_THAT(Last().reason,
              StartsWith("stream cam is being published by 10.0.0.9; next try in 1 s"));
  EXPECT_EQ(camera_.Count("TEARDOWN"), 1u);
}

TEST_F(PullerTest, QuestionsOfTheCameraAreAnswered) {
  Start();
  executor_.Post([this] {
    camera_.Send(Bytes::Copy("OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n"));
    camera_.Send(Bytes::Copy("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));  // an answer nobody asked for
  });
  Play(seconds(1));
  EXPECT_EQ(camera_.dialled.size(), 1u);
  EXPECT_EQ(Got().UnitsOf(1), 10u);
}

TEST_F(PullerTest, PacketsBeforeTheAnswerToPlayAreRecorded) {
  camera_.answers["PLAY"] = [this](const Request& request) {
    camera_.SendPacket(0, RtpPacket(96, 1, 0, "K"));
    return camera_.Usual(request);
  };
  Start();
  EXPECT_EQ(Got().UnitsOf(1), 1u);
}

TEST_F(PullerTest, ChannelsAreThoseTheCameraChose) {
  camera_.answers["SETUP"] = [this](const Request& request) -> std::optional<Response> {
    Response response;
    const bool video = request.url.ends_with("/v");
    response.headers.Add("Transport", video ? "RTP/AVP/TCP;unicast;interleaved=4-5"
                                            : "RTP/AVP/TCP;unicast;interleaved=6-7");
    response.headers.Add("Session", "s");
    return response;
  };
  Start();
  executor_.Post([this] {
    camera_.SendPacket(6, RtpPacket(97, 1, 0, "K"));
    camera_.SendPacket(4, RtpPacket(96, 1, 0, "K"));
    camera_.SendPacket(0, RtpPacket(96, 1, 0, "K"));
  });
  executor_.RunUntilIdle();
  EXPECT_EQ(Got().UnitsOf(1), 1u);
  EXPECT_EQ(Got().UnitsOf(2), 1u);
}

}  // namespace
}  // namespace penstock::ingest::rtsp
