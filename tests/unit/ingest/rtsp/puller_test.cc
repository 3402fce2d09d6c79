// The client's conversations with a scripted camera, on a simulated clock.
#include "ingest/rtsp/puller.h"

#include "base/random.h"
#include "ingest/rtp/rtcp.h"
#include "tests/unit/ingest/rtsp/fake_camera.h"
#include "tests/unit/ingest/rtsp/fake_depayloader.h"
#include "tests/unit/ingest/rtsp/fake_publications.h"

namespace penstock::ingest::rtsp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PullerTest : public ::testing::Test {
 protected:
  void Start(RtspTransport transport = RtspTransport::kAuto,
             std::string url = "rtsp://u:p@10.0.0.7/live") {
    SourceConfig config{*StreamName::Parse("cam"), std::move(url), transport};
    executor_.Post([this, config] { group_.Spawn(Pull(environment_, config, 7, group_.token())); });
    executor_.RunUntilIdle();
  }
  void TearDown() override {
    executor_.Post([this] { group_.Cancel(); });
    executor_.Advance(seconds(3));
    EXPECT_EQ(group_.running(), 0u);
    EXPECT_EQ(camera_.open, 0u);
    EXPECT_EQ(executor_.timers(), 0u);
    executor_.Post([this] { Detach(camera_.Join()); });
    executor_.RunUntilIdle();
  }

  // The camera plays for so long: 10 pictures a second, a key frame each second, and sound.
  void Play(seconds duration, bool video = true, bool audio = true, bool keys = true) {
    for (int64_t i = 0; i < duration.count() * 10; ++i) {
      executor_.Post([this, video, audio, keys, i] {
        const bool key = keys && i % 10 == 0;
        video_timestamp_ += 9000;
        audio_timestamp_ += 4800;
        if (video)
          camera_.SendPacket(0,
                             RtpPacket(96, video_sequence_++, video_timestamp_, key ? "K" : "p"));
        if (audio) camera_.SendPacket(2, RtpPacket(97, audio_sequence_++, audio_timestamp_, "K"));
      });
      executor_.Advance(milliseconds(100));
    }
  }
  void Wait(milliseconds time) { executor_.Advance(time); }
  Delivered Got() const { return publications_.Get("cam"); }
  SourceStatus Last() const { return publications_.Last("cam"); }
  // Whether a failure with these words was ever reported.
  bool WasTold(std::string_view words) const {
    const Delivered got = Got();
    return std::any_of(got.statuses.begin(), got.statuses.end(),
                       [words](const SourceStatus& status) {
                         return status.state == SourceState::kFailed &&
                                status.reason.find(words) != std::string::npos;
                       });
  }
  static FakeCamera::Answer Status(int status, std::string header = "", std::string value = "") {
    return [=](const Request&) {
      Response response;
      response.status = status;
      if (!header.empty()) response.headers.Add(header, value);
      return response;
    };
  }

  SimulatedClock clock_{ServerTimeFromMs(1'000'000)};
  SimulatedExecutor executor_{clock_};
  FakeCamera camera_;
  FakePublications publications_;
  ClientEnvironment environment_{camera_, clock_, publications_, FakeDepayloaders()};
  TaskGroup group_;
  uint16_t video_sequence_ = 100;
  uint16_t audio_sequence_ = 200;
  uint32_t video_timestamp_ = 0;
  uint32_t audio_timestamp_ = 0;
};

TEST_F(PullerTest, AsksInOrderRecordsAndSaysGoodbye) {
  Start();
  EXPECT_EQ(camera_.Asked(), "OPTIONS DESCRIBE SETUP SETUP PLAY");
  EXPECT_EQ(camera_.requests[1].url, "rtsp://10.0.0.7/live");
  EXPECT_EQ(camera_.requests[2].url, "rtsp://10.0.0.7/live/v");
  EXPECT_EQ(camera_.requests[3].headers.Find("Session"), "12345678");
  Play(seconds(2));
  EXPECT_EQ(Got().UnitsOf(1), 20u);
  EXPECT_EQ(Got().UnitsOf(2), 20u);
  EXPECT_EQ(Last().state, SourceState::kRecording);
  executor_.Post([this] { group_.Cancel(); });
  executor_.RunUntilIdle();
  EXPECT_THAT(camera_.Asked(), ::testing::EndsWith("PLAY TEARDOWN"));
  EXPECT_EQ(group_.running(), 0u);
  EXPECT_EQ(Got().ended, 1);
}

TEST_F(PullerTest, AnUnansweredTeardownIsNotWaitedForLong) {
  camera_.answers["TEARDOWN"] = [](const Request&) { return std::nullopt; };
  Start();
  executor_.Post([this] { group_.Cancel(); });
  Wait(milliseconds(1900));
  EXPECT_EQ(group_.running(), 1u);
  Wait(milliseconds(200));
  EXPECT_EQ(group_.running(), 0u);
}

TEST_F(PullerTest, CancellingAtAnyStepEndsAtOnceOrSoon) {
  for (const std::string method : {"OPTIONS", "DESCRIBE", "SETUP", "PLAY"}) {
    FakeCamera camera;
    camera.answers[method] = [](const Request&) { return std::nullopt; };
    ClientEnvironment environment{camera, clock_, publications_, FakeDepayloaders()};
    TaskGroup group;
    executor_.Post([&] {
      SourceConfig config{*StreamName::Parse("other"), "rtsp://h/s", RtspTransport::kAuto};
      group.Spawn(Pull(environment, config, 1, group.token()));
    });
    executor_.RunUntilIdle();
    EXPECT_THAT(camera.Asked(), ::testing::EndsWith(method));
    executor_.Post([&] { group.Cancel(); });
    Wait(milliseconds(2100));
    EXPECT_EQ(group.running(), 0u) << method;
    EXPECT_EQ(camera.Count("TEARDOWN"), method == "PLAY" ? 1u : 0u) << method;
  }
}

// Each step fails once, in each way a step can fail; the next connection succeeds.
class EachStepFailsOnce
    : public PullerTest,
      public ::testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(EachStepFailsOnce, AndTheNextConnectionRecords) {
  const auto [method, failure] = GetParam();
  int failures = 1;
  camera_.answers[method] = [this, &failures,
                             failure = failure](const Request& request) -> std::optional<Response> {
    if (failures-- <= 0) return camera_.Usual(request);
    Response response;
    if (failure == "error") response.status = 500;
    if (failure == "garbage") camera_.Send(Bytes::Copy("\x16\x03garbage"));
    if (failure == "close") camera_.Hang();
    if (failure == "error") return response;
    return std::nullopt;
  };
  Start();
  if (method == "OPTIONS" && failure == "error") {
    // Nothing is lost with it: the camera is recorded all the same.
    EXPECT_EQ(camera_.dialled.size(), 1u);
  } else {
    Wait(seconds(13));
    EXPECT_EQ(camera_.dialled.size(), 2u);
    EXPECT_TRUE(WasTold("; next try in 1 s"));
  }
  Play(seconds(2));
  EXPECT_EQ(Last().state, SourceState::kRecording) << Last().reason;
}

INSTANTIATE_TEST_SUITE_P(
    All, EachStepFailsOnce,
    ::testing::Combine(::testing::Values("OPTIONS", "DESCRIBE", "SETUP", "PLAY"),
                       ::testing::Values("error", "garbage", "close", "silence")));

TEST_F(PullerTest, ACameraThatIsAwayIsTriedEverMoreSeldom) {
  camera_.refuse_connections = true;
  Start();
  EXPECT_THAT(Last().reason,
              StartsWith("no connection to 10.0.0.7:554: connection refused; next try in 1 s"));
  Wait(seconds(60));
  const size_t first_minute = camera_.dialled.size();
  EXPECT_GE(first_minute, 5u);
  EXPECT_LE(first_minute, 7u);
  Wait(seconds(300));
  EXPECT_LE(camera_.dialled.size() - first_minute, 14u);
  camera_.refuse_connections = false;
  while (camera_.open == 0) Wait(milliseconds(100));
  Play(seconds(11));
  const size_t before = camera_.dialled.size();
  camera_.Hang();
  Wait(milliseconds(1300));
  EXPECT_EQ(camera_.dialled.size(), before + 1) << "success starts the pauses anew";
}

TEST_F(PullerTest, SoundWithoutPictureIsADeadCamera) {
  Start();
  Play(seconds(2));
  Play(seconds(10), false, true);
  EXPECT_EQ(Last().state, SourceState::kFailed);
  EXPECT_THAT(Last().reason, StartsWith("no data on track 1 (H.264) for 10 s; next try in"));
  EXPECT_EQ(camera_.Count("TEARDOWN"), 1u);
  Wait(seconds(2));
  EXPECT_EQ(camera_.dialled.size(), 2u);
  Play(seconds(2));
  EXPECT_EQ(Last().state, SourceState::kRecording);
  EXPECT_EQ(Got().begun, 1) << "the publication outlives the connection";
  EXPECT_EQ(Got().breaks, 1);
}

TEST_F(PullerTest, PictureWithoutSoundGoesOnAndSaysSo) {
  Start();
  Play(seconds(2));
  Play(seconds(12), true, false);
  EXPECT_EQ(Last().state, SourceState::kRecording);
  EXPECT_THAT(Last().reason, StartsWith("no data on track 2 (AAC) for 1"));
  EXPECT_EQ(camera_.dialled.size(), 1u);
}

TEST_F(PullerTest, AMissingKeyFrameIsSaidAndNotWaitedForForever) {
  Start();
  Play(seconds(8), true, true, false);
  EXPECT_EQ(Last().state, SourceState::kWaiting);
  EXPECT_THAT(Last().reason, ::testing::MatchesRegex("no key frame for [678] s"));
  Play(seconds(53), true, true, false);
  EXPECT_EQ(camera_.Count("TEARDOWN"), 1u);
}

TEST_F(PullerTest, UnreadablePacketsAreSaid) {
  Start();
  for (int i = 0; i < 70; ++i) {
    executor_.Post([this] { camera_.SendPacket(0, RtpPacket(96, video_sequence_++, 0, "?")); });
    Wait(milliseconds(100));
  }
  EXPECT_EQ(Last().state, SourceState::kWaiting);
  EXPECT_EQ(Last().reason, "track 1 (H.264) cannot be read: no NAL unit in it");
}

TEST_F(PullerTest, APayloadTypeThatWasNotAgreedOnIsSaid) {
  Start();
  for (int i = 0; i < 98; ++i) {
    executor_.Post([this] { camera_.SendPacket(0, RtpPacket(35, video_sequence_++, 0, "K")); });
    Wait(milliseconds(100));
  }
  Wait(milliseconds(300));
  EXPECT_THAT(
      Last().reason,
      HasSubstr("no data on track 1 (H.264) for 10 s, packets of payload type 35 instead of 96"));
}

TEST_F(PullerTest, TheSessionIsKeptAliveAtHalfOfItsTimeout) {
  camera_.session = "1;timeout=20";
  Start();
  Play(seconds(35));
  EXPECT_EQ(camera_.Count("GET_PARAMETER"), 3u);
  EXPECT_EQ(camera_.requests.back().headers.Find("Session"), "1");
}

TEST_F(PullerTest, AKeepAliveThatIsNotUnderstoodGivesWayToTheNext) {
  camera_.session = "1;timeout=20";
  camera_.answers["GET_PARAMETER"] = Status(501);
  Start();
  const size_t options_before = camera_.Count("OPTIONS");
  Play(seconds(35));
  EXPECT_EQ(camera_.Count("GET_PARAMETER"), 1u);
  EXPECT_EQ(camera_.Count("OPTIONS"), options_before + 2);
}

TEST_F(PullerTest, ACameraThatListsNoMethodsIsKeptAliveByOptions) {
  camera_.public_methods = "DESCRIBE, SETUP, PLAY, TEARDOWN";
  camera_.session = "1;timeout=10";
  Start();
  Play(seconds(12));
  EXPECT_EQ(camera_.Count("OPTIONS"), 3u);
}

TEST_F(PullerTest, AForgottenSessionIsOpenedAnew) {
  camera_.session = "1;timeout=4";
  camera_.answers["GET_PARAMETER"] = Status(454);
  Start();
  Play(seconds(3));
  EXPECT_TRUE(WasTold("454: the camera has forgotten the session; next try in 1 s"));
}

TEST_F(PullerTest, ReceiverReportsGoOutEveryFiveSeconds) {
  Start();
  Play(seconds(11));
  ASSERT_EQ(camera_.received.size(), 4u);
  EXPECT_EQ(camera_.received[0].channel, 1);
  EXPECT_EQ(camera_.received[1].channel, 3);
  const auto report = rtp::ParseCompound(camera_.received[0].payload);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->blocks.at(0).ssrc, 1u);
  EXPECT_EQ(report->blocks.at(0).lost, 0);
}

TEST_F(PullerTest, SenderReportsReachTheSinkInUnwrappedTicks) {
  Start();
  const uint64_t ntp = rtp::ToNtp(ProducerTimeFromUs(1'700'000'000'000'000));
  // One before the first packet, one after the timestamp has wrapped.
  executor_.Post([&] {
    camera_.SendPacket(1, SenderReportPacket(ntp, 0xffff'ff00));
    camera_.SendPacket(0, RtpPacket(96, 1, 0xffff'fff0, "K"));
    camera_.SendPacket(0, RtpPacket(96, 2, 0x10, "p"));
    camera_.SendPacket(1, SenderReportPacket(ntp, 0x20));
    camera_.SendPacket(1, SenderReportPacket(0, 0x30));  // a camera that does not know the time
  });
  executor_.RunUntilIdle();
  const Delivered got = Got();
  ASSERT_EQ(got.sender_reports.size(), 2u);
  EXPECT_EQ(got.sender_reports[0].second, 0xffff'ff00);
  EXPECT_EQ(got.sender_reports[1].second, 0x1'0000'0020);
  EXPECT_EQ(ToUs(got.producer_times[0]), 1'700'000'000'000'000);
}

TEST_F(PullerTest, LossIsCountedAndFlagged) {
  Start();
  executor_.Post([&] {
    for (const uint16_t sequence : {1, 2, 5})
      camera_.SendPacket(0, RtpPacket(96, sequence, 0, "K"));
  });
  executor_.RunUntilIdle();
  EXPECT_EQ(Got().lost.at(1), 2u);
  EXPECT_TRUE(Got().units.at(1).back().damaged);
}

TEST_F(PullerTest, AnEncoderThatRestartsIsFollowedAfterABreak) {
  Start();
  executor_.Post([&] {
    camera_.SendPacket(0, RtpPacket(96, 1, 0, "K", 1));
    camera_.SendPacket(0, RtpPacket(96, 9, 0, "K", 2));
    camera_.SendPacket(0, RtpPacket(96, 10, 3000, "K", 2));
  });
  executor_.RunUntilIdle();
  EXPECT_EQ(Got().UnitsOf(1), 2u);
  EXPECT_EQ(Got().breaks, 1);
}

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

TEST_F(PullerTest, NothingRecordableIsRefusedByNameAndNotTriedAgain) {
  camera_.sdp =
      "v=0\r\nm=video 0 RTP/AVP 26\r\nm=audio 0 RTP/AVP 0\r\nm=application 0 RTP/AVP 107\r\n"
      "a=rtpmap:107 vnd.onvif.metadata/90000\r\n";
  Start();
  EXPECT_EQ(Last().state, SourceState::kRefused);
  EXPECT_EQ(Last().reason, "unsupported codec Motion JPEG, G.711 (PCMU)");
  Wait(std::chrono::hours(30));
  EXPECT_EQ(camera_.dialled.size(), 1u);
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
