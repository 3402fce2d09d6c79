#include "tests/unit/ingest/rtsp/puller_fixture.h"

namespace penstock::ingest::rtsp {
namespace {

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

TEST_F(PullerTest, AStreamThatIsDeletedMeanwhileIsBegunAnew) {
  Start();
  Play(seconds(2));
  publications_.DeleteStream("cam");
  Play(seconds(10));
  EXPECT_TRUE(WasTold("the stream was deleted"));
  EXPECT_EQ(Got().ended, 1);
  EXPECT_EQ(Got().begun, 2);
  EXPECT_EQ(Last().state, SourceState::kRecording);
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

// The recorder stores them, cut at the maximum, and says so.
TEST_F(PullerTest, PicturesWithoutAKeyFrameKeepTheirConnection) {
  Start();
  Play(seconds(150), true, true, false);
  EXPECT_EQ(Got().UnitsOf(1), 1500u);
  EXPECT_EQ(camera_.Count("TEARDOWN"), 0u);
  EXPECT_EQ(camera_.dialled.size(), 1u);
  EXPECT_EQ(Got().breaks, 0);
  EXPECT_EQ(Last().state, SourceState::kRecording);
}

TEST_F(PullerTest, UnreadablePacketsAreSaidAndNotWaitedForForever) {
  Start();
  const auto play = [this](int packets) {
    for (int i = 0; i < packets; ++i) {
      executor_.Post([this] { camera_.SendPacket(0, RtpPacket(96, video_sequence_++, 0, "?")); });
      Wait(milliseconds(100));
    }
  };
  play(70);
  EXPECT_EQ(Last().state, SourceState::kWaiting);
  EXPECT_EQ(Last().reason, "track 1 (H.264) cannot be read: no NAL unit in it");
  play(540);
  EXPECT_EQ(camera_.Count("TEARDOWN"), 1u);
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

// The answer to PLAY with this RTP-Info, and a first packet of each track.
class PlayStarts : public PullerTest {
 protected:
  Delivered Play(std::string info, uint32_t video, uint32_t audio, bool packets_first = false) {
    camera_.answers["PLAY"] = [=, this](const Request& request) {
      const auto packets = [=, this] {
        camera_.SendPacket(0, RtpPacket(96, 1, video, "K"));
        camera_.SendPacket(2, RtpPacket(97, 1, audio, "K"));
      };
      if (packets_first) packets();
      Response response = camera_.Usual(request);
      response.headers.Add("RTP-Info", info);
      if (!packets_first) executor_.Post(packets);
      return response;
    };
    Start();
    return Got();
  }
};

TEST_F(PlayStarts, AreToldToTheSinkInUnwrappedTicks) {
  const Delivered got =
      Play("url=rtsp://192.168.0.9/other/v;seq=1;rtptime=4294967000,url=a;rtptime=5000", 704, 5960);
  EXPECT_EQ(got.starts, (std::map<uint32_t, int64_t>{{1, 704 - 1000}, {2, 5000}}));
  EXPECT_EQ(got.units.at(1).front().pts, 704);
}

TEST_F(PlayStarts, AreTakenOfPacketsThatCameBeforeTheAnswer) {
  const Delivered got = Play("url=rtsp://u:p@10.0.0.7/live/v;rtptime=90000,url=a;rtptime=48000",
                             99'000, 48'000, true);
  EXPECT_EQ(got.starts, (std::map<uint32_t, int64_t>{{1, 90'000}, {2, 48'000}}));
}

TEST_F(PlayStarts, AreNotBelievedFarFromTheFirstPacket) {
  const Delivered got = Play("url=v;rtptime=0,url=a;rtptime=0", 3'000'000'000, 48'000 * 3 + 1);
  EXPECT_TRUE(got.starts.empty());
}

TEST_F(PlayStarts, MayBeMissing) {
  EXPECT_TRUE(Play("url=v;seq=7,url=unknown;rtptime=1", 1, 1).starts.empty());
}

TEST_F(PlayStarts, AreForgottenWithTheEncoderTheyBelongTo) {
  camera_.answers["PLAY"] = [this](const Request& request) {
    Response response = camera_.Usual(request);
    response.headers.Add("RTP-Info", "url=v;rtptime=1000");
    return response;
  };
  Start();
  executor_.Post([&] {
    camera_.SendPacket(0, RtpPacket(96, 1, 1000, "K", 1));
    camera_.SendPacket(0, RtpPacket(96, 9, 2000, "K", 2));
    camera_.SendPacket(0, RtpPacket(96, 10, 5000, "K", 2));
  });
  executor_.RunUntilIdle();
  EXPECT_EQ(Got().breaks, 1);
  EXPECT_EQ(Got().starts, (std::map<uint32_t, int64_t>{{1, 1000}}));
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

TEST_F(PullerTest, AnEncoderThatRestartsIsFollowedAfterABreakFromItsFirstPacketOn) {
  Start();
  executor_.Post([&] {
    camera_.SendPacket(0, RtpPacket(96, 1, 0, "K", 1));
    camera_.SendPacket(0, RtpPacket(96, 9, 0, "K2", 2));
    camera_.SendPacket(0, RtpPacket(96, 10, 3000, "p", 2));
  });
  executor_.RunUntilIdle();
  ASSERT_EQ(Got().UnitsOf(1), 3u);
  EXPECT_EQ(Got().units.at(1)[1].data.text(), "K2");
  EXPECT_EQ(Got().units.at(1)[2].pts, 3000);
  EXPECT_EQ(Got().breaks, 1);
  EXPECT_TRUE(Got().lost.empty());
}

TEST_F(PullerTest, AnEncoderThatRestartsMayHaveItsFirstPacketsSwapped) {
  Start(RtspTransport::kUdp);
  executor_.Post([&] {
    const std::string peer = "10.0.0.7";
    camera_.sockets[0]->Deliver(RtpPacket(96, 1, 0, "K", 1), peer);
    camera_.sockets[0]->Deliver(RtpPacket(96, 10, 3000, "p", 2), peer);
    camera_.sockets[0]->Deliver(RtpPacket(96, 9, 0, "K2", 2), peer);
  });
  executor_.RunUntilIdle();
  ASSERT_EQ(Got().UnitsOf(1), 3u);
  EXPECT_EQ(Got().units.at(1)[1].data.text(), "K2");
  EXPECT_TRUE(Got().lost.empty());
}

TEST_F(PullerTest, ALonePacketOfAnotherSourceIsNotTaken) {
  Start();
  executor_.Post([&] {
    for (const uint16_t sequence : {1, 2, 3}) {
      camera_.SendPacket(0, RtpPacket(96, sequence, 0, "K", 1));
      camera_.SendPacket(0, RtpPacket(96, 77, 0, "K", 2));
    }
  });
  executor_.RunUntilIdle();
  EXPECT_EQ(Got().UnitsOf(1), 3u);
  EXPECT_EQ(Got().breaks, 0);
}

}  // namespace
}  // namespace penstock::ingest::rtsp
