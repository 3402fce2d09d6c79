// Pulls from a camera written with GStreamer's RTSP server, over real sockets.
#include <filesystem>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "base/random.h"
#include "ingest/rtsp/endpoints.h"
#include "tests/unit/ingest/rtsp/child_process.h"
#include "tests/unit/ingest/rtsp/fake_publications.h"

namespace penstock::ingest::rtsp {
namespace {

using ::testing::HasSubstr;

// samples/synthetic_camera on a free port.
class Camera {
 public:
  explicit Camera(std::vector<std::string> options) : process_(Command(std::move(options))) {}

  // Its URL, with credentials put in. Waits until it is ready.
  std::string Url(const std::string& credentials) {
    std::string url;
    while (url.find('\n') == std::string::npos) {
      url = process_.Output();
      std::this_thread::yield();
    }
    url = url.substr(url.find("rtsp://"));
    url.resize(url.find('\n'));
    return url.insert(7, credentials);
  }

 private:
  static std::vector<std::string> Command(std::vector<std::string> options) {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    std::vector<std::string> command = {(here / "synthetic_camera").string(),
                                        "--port",
                                        "0",
                                        "--width",
                                        "320",
                                        "--height",
                                        "240",
                                        "--gop",
                                        "25",
                                        "--for",
                                        "60"};
    command.insert(command.end(), options.begin(), options.end());
    return command;
  }
  ChildProcess process_;
};

class PullPeersTest : public ::testing::Test {
 protected:
  void Pull(std::string url, RtspTransport transport) {
    SourceConfig config{*StreamName::Parse("cam"), std::move(url), transport};
    loops_[0].Post([this, config] {
      ClientContext context{loops_[0], SystemClock(), publications_};
      group_.Spawn(PullCamera(context, config, group_.token()));
    });
  }
  // Cancels and waits for the TEARDOWN.
  void Stop() {
    std::promise<void> done;
    auto drain = [](TaskGroup& group, std::promise<void>& ended) -> Task<void> {
      group.Cancel();
      co_await group.Join();
      ended.set_value();
    };
    loops_[0].Post([&] { Detach(drain(group_, done)); });
    done.get_future().wait();
  }
  bool Arrive(size_t video, size_t audio) {
    return publications_.WaitUntil("cam", [=](const Delivered& d) {
      size_t kinds[2] = {0, 0};
      for (const auto& [track, config] : d.configs)
        kinds[IsVideo(config.codec) ? 0 : 1] += d.UnitsOf(track);
      return kinds[0] >= video && kinds[1] >= audio;
    });
  }
  std::string Reason() const { return publications_.Last("cam").reason; }

  net::EventLoops loops_{1};
  TaskGroup group_;
  FakePublications publications_;
};

TEST_F(PullPeersTest, PictureAndSoundComeOverTcpWithDigest) {
  Camera camera({"--user", "admin", "--password", "p@ss"});
  Pull(camera.Url("admin:p%40ss@"), RtspTransport::kAuto);
  EXPECT_TRUE(Arrive(50, 50)) << Reason();
  // The camera sends its first report some seconds after the start, at a random moment.
  EXPECT_TRUE(
      publications_.WaitUntil("cam", [](const Delivered& d) { return !d.sender_reports.empty(); }));
  Stop();
  const Delivered got = publications_.Get("cam");
  EXPECT_EQ(got.ended, 1);
  EXPECT_TRUE(got.lost.empty());
  EXPECT_TRUE(got.units.at(1).front().key);
}

TEST_F(PullPeersTest, PictureAndSoundComeOverUdp) {
  Camera camera({"--transport", "udp"});
  Pull(camera.Url(""), RtspTransport::kUdp);
  EXPECT_TRUE(Arrive(50, 50)) << Reason();
  Stop();
}

TEST_F(PullPeersTest, ACameraThatRefusesTcpIsPulledOverUdp) {
  Camera camera({"--transport", "udp"});
  Pull(camera.Url(""), RtspTransport::kAuto);
  EXPECT_TRUE(Arrive(25, 0)) << Reason();
  Stop();
}

TEST_F(PullPeersTest, ACameraThatRefusesUdpIsPulledOverTcp) {
  Camera camera({"--transport", "tcp"});
  Pull(camera.Url(""), RtspTransport::kUdp);
  EXPECT_TRUE(Arrive(25, 0)) << Reason();
  Stop();
}

TEST_F(PullPeersTest, H265AndLatmAreTaken) {
  Camera camera({"--video", "h265", "--audio", "latm"});
  Pull(camera.Url(""), RtspTransport::kTcp);
  EXPECT_TRUE(Arrive(25, 20)) << Reason();
  Stop();
  EXPECT_EQ(publications_.Get("cam").configs.at(1).codec, fragmenter::Codec::kH265);
}

TEST_F(PullPeersTest, AWrongPasswordIsSaidInPlainWords) {
  Camera camera({"--user", "admin", "--password", "secret"});
  Pull(camera.Url("admin:guess@"), RtspTransport::kAuto);
  EXPECT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) {
    return !d.statuses.empty() && d.statuses.back().state == SourceState::kFailed;
  }));
  EXPECT_THAT(Reason(),
              HasSubstr("401: the camera refuses user 'admin' with this password; next try in"));
  Stop();
}

TEST_F(PullPeersTest, AWrongPathIsSaidInPlainWords) {
  Camera camera({});
  Pull(camera.Url("") + "-not", RtspTransport::kAuto);
  EXPECT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) {
    return !d.statuses.empty() && d.statuses.back().state == SourceState::kFailed;
  }));
  EXPECT_THAT(Reason(), HasSubstr("404: the camera has nothing at /"));
  Stop();
}

TEST_F(PullPeersTest, ACodecThatCannotBeRecordedIsNamed) {
  Camera camera({"--video", "jpeg", "--audio", "l16"});
  Pull(camera.Url(""), RtspTransport::kAuto);
  EXPECT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) {
    return !d.statuses.empty() && d.statuses.back().state == SourceState::kFailed;
  }));
  EXPECT_THAT(Reason(), ::testing::StartsWith("unsupported codec Motion JPEG, L16; next try in "));
  Stop();
}

TEST_F(PullPeersTest, PictureWithoutItsUnsupportedSoundIsRecordedAndSaid) {
  Camera camera({"--audio", "l16"});
  Pull(camera.Url(""), RtspTransport::kAuto);
  EXPECT_TRUE(Arrive(25, 0)) << Reason();
  EXPECT_TRUE(publications_.WaitUntil("cam", [](const Delivered& d) {
    return d.statuses.back().state == SourceState::kRecording;
  }));
  EXPECT_EQ(Reason(), "without L16, which cannot be recorded");
  Stop();
}

}  // namespace
}  // namespace penstock::ingest::rtsp
