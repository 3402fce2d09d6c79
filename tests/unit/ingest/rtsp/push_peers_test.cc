// Publishers written by others, against our server on a real socket.
#include <fmt/format.h>

#include "ingest/rtsp/endpoints.h"
#include "tests/unit/ingest/rtsp/child_process.h"
#include "tests/unit/ingest/rtsp/fake_publications.h"
#include "tests/unit/ingest/rtsp/one_key.h"

namespace penstock::ingest::rtsp {
namespace {

using ::testing::HasSubstr;

class PushPeersTest : public ::testing::Test {
 protected:
  void Start(bool trust_loopback) {
    keys_ = std::make_unique<OneKey>(trust_loopback);
    server_ = std::make_unique<Server>(loops_, *keys_, publications_, SystemClock());
    auto endpoint = server_->Listen("127.0.0.1", 0);
    ASSERT_TRUE(endpoint.ok());
    port_ = endpoint->port;
  }
  void TearDown() override { server_->Stop(); }

  std::string Url(std::string_view credentials, std::string_view path) const {
    return fmt::format("rtsp://{}127.0.0.1:{}/{}", credentials, port_, path);
  }
  static std::vector<std::string> Ffmpeg(std::string url, int seconds, std::string audio,
                                         std::string transport) {
    std::vector<std::string> command = {"ffmpeg",
                                        "-nostdin",
                                        "-loglevel",
                                        "warning",
                                        "-re",
                                        "-f",
                                        "lavfi",
                                        "-i",
                                        "testsrc=size=320x240:rate=25",
                                        "-f",
                                        "lavfi",
                                        "-i",
                                        "sine=sample_rate=48000",
                                        "-t",
                                        fmt::format("{}", seconds),
                                        "-c:v",
                                        "libx264",
                                        "-preset",
                                        "ultrafast",
                                        "-tune",
                                        "zerolatency",
                                        "-g",
                                        "25",
                                        "-c:a",
                                        std::move(audio),
                                        "-ar",
                                        "48000",
                                        "-f",
                                        "rtsp"};
    if (!transport.empty()) {
      command.push_back("-rtsp_transport");
      command.push_back(std::move(transport));
    }
    command.push_back(std::move(url));
    return command;
  }

  net::EventLoops loops_{2};
  FakePublications publications_;
  std::unique_ptr<OneKey> keys_;
  std::unique_ptr<Server> server_;
  uint16_t port_ = 0;
};

TEST_F(PushPeersTest, FfmpegPushesPictureAndSoundOverTcp) {
  Start(true);
  ChildProcess ffmpeg(Ffmpeg(Url("", "cam"), 2, "aac", "tcp"));
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
  const Delivered got = publications_.Get("cam");
  EXPECT_EQ(got.UnitsOf(1), 50u) << ffmpeg.Output();
  EXPECT_GE(got.UnitsOf(2), 90u);
  ASSERT_EQ(got.configs.size(), 2u);
  EXPECT_EQ(got.configs.at(1).codec, fragmenter::Codec::kH264);
  EXPECT_EQ(got.configs.at(1).width, 320u);
  EXPECT_EQ(got.configs.at(2).codec, fragmenter::Codec::kAac);
  EXPECT_TRUE(got.units.at(1).front().key);
  EXPECT_GE(got.sender_reports.size(), 2u);
  EXPECT_TRUE(got.lost.empty());
}

TEST_F(PushPeersTest, FfmpegPushesOverUdpToTheLastPicture) {
  Start(true);
  ChildProcess ffmpeg(Ffmpeg(Url("", "cam"), 2, "aac", "udp"));
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
  const Delivered got = publications_.Get("cam");
  EXPECT_EQ(got.UnitsOf(1), 50u) << ffmpeg.Output();
  EXPECT_GE(got.UnitsOf(2), 90u);
  EXPECT_GE(got.sender_reports.size(), 2u);
  EXPECT_TRUE(got.lost.empty());
}

TEST_F(PushPeersTest, FfmpegWithoutAChoiceOfTransportIsRecorded) {
  Start(true);
  ChildProcess ffmpeg(Ffmpeg(Url("", "cam"), 1, "aac", ""));
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
  EXPECT_EQ(publications_.Get("cam").UnitsOf(1), 25u);
}

TEST_F(PushPeersTest, FfmpegAnswersTheDigestChallenge) {
  Start(false);
  ChildProcess ffmpeg(Ffmpeg(Url("user:key@", "cam"), 1, "aac", "tcp"));
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
  EXPECT_EQ(publications_.Get("cam").UnitsOf(1), 25u);
}

TEST_F(PushPeersTest, FfmpegMayPutTheKeyIntoTheUrl) {
  Start(false);
  ChildProcess ffmpeg(Ffmpeg(Url("", "cam?key=key"), 1, "aac", "tcp"));
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
  EXPECT_EQ(publications_.Get("cam").UnitsOf(1), 25u);
}

TEST_F(PushPeersTest, AWrongKeyIsRefusedAndNothingIsCreated) {
  Start(false);
  ChildProcess ffmpeg(Ffmpeg(Url("user:guess@", "cam"), 1, "aac", "tcp"));
  EXPECT_NE(ffmpeg.Wait(), 0);
  EXPECT_THAT(ffmpeg.Output(), HasSubstr("401"));
  EXPECT_EQ(publications_.Get("cam").begun, 0);
}

TEST_F(PushPeersTest, FfmpegIsToldWhichCodecCannotBeRecorded) {
  Start(true);
  ChildProcess ffmpeg(Ffmpeg(Url("", "cam"), 1, "pcm_s16be", "tcp"));
  EXPECT_NE(ffmpeg.Wait(), 0);
  EXPECT_THAT(ffmpeg.Output(), HasSubstr("415"));
  EXPECT_THAT(ffmpeg.Output(), HasSubstr("L16"));
}

TEST_F(PushPeersTest, FfmpegPushesG711) {
  Start(true);
  ChildProcess ffmpeg(Ffmpeg(Url("", "cam"), 2, "pcm_mulaw", "tcp"));
  EXPECT_EQ(ffmpeg.Wait(), 0) << ffmpeg.Output();
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
  const Delivered got = publications_.Get("cam");
  EXPECT_EQ(got.configs.at(2).codec, fragmenter::Codec::kPcmu);
  EXPECT_GT(got.UnitsOf(2), 10u);
}

TEST_F(PushPeersTest, ASecondPublisherIsToldThatTheStreamIsTaken) {
  Start(true);
  ChildProcess first(Ffmpeg(Url("", "cam"), 20, "aac", "tcp"));
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.UnitsOf(1) > 0; }));
  ChildProcess second(Ffmpeg(Url("", "cam"), 1, "aac", "tcp"));
  EXPECT_NE(second.Wait(), 0);
  EXPECT_THAT(second.Output(), HasSubstr("being published"));
  const size_t units = publications_.Get("cam").UnitsOf(1);
  EXPECT_TRUE(
      publications_.WaitUntil("cam", [&](const Delivered& d) { return d.UnitsOf(1) > units; }));
}

TEST_F(PushPeersTest, RtspClientSinkPushesAacAsLatm) {
  Start(true);
  ChildProcess gst({"gst-launch-1.0",
                    "-q",
                    "rtspclientsink",
                    "name=s",
                    "protocols=tcp",
                    "location=" + Url("", "cam"),
                    "videotestsrc",
                    "is-live=true",
                    "!",
                    "video/x-raw,width=320,height=240,framerate=25/1",
                    "!",
                    "x264enc",
                    "speed-preset=ultrafast",
                    "tune=zerolatency",
                    "key-int-max=25",
                    "!",
                    "s.",
                    "audiotestsrc",
                    "is-live=true",
                    "!",
                    "audioconvert",
                    "!",
                    "avenc_aac",
                    "!",
                    "s."});
  ASSERT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) {
    return d.UnitsOf(1) >= 40 && d.UnitsOf(2) >= 50;
  })) << gst.Output();
  const Delivered got = publications_.Get("cam");
  ASSERT_EQ(got.configs.size(), 2u);
  EXPECT_EQ(got.configs.at(1).codec == fragmenter::Codec::kAac,
            got.configs.at(2).codec == fragmenter::Codec::kH264);
  // Its own end of stream hangs now and then; an interrupt makes it say TEARDOWN.
  gst.Signal(SIGINT);
  gst.Wait();
  EXPECT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.ended == 1; }));
}

TEST_F(PushPeersTest, RtspClientSinkAnswersTheDigestChallenge) {
  Start(false);
  ChildProcess gst({"gst-launch-1.0", "-q", "videotestsrc", "is-live=true", "!", "x264enc",
                    "speed-preset=ultrafast", "tune=zerolatency", "!", "rtspclientsink",
                    "protocols=tcp", "user-id=user", "user-pw=key", "location=" + Url("", "cam")});
  EXPECT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) { return d.UnitsOf(1) >= 20; }))
      << gst.Output();
}

}  // namespace
}  // namespace penstock::ingest::rtsp
