// The client's conversations with a scripted camera, on a simulated clock: what its tests share.
#pragma once

#include "base/random.h"
#include "ingest/rtp/rtcp.h"
#include "ingest/rtsp/puller.h"
#include "tests/unit/ingest/rtsp/fake_camera.h"
#include "tests/unit/ingest/rtsp/fake_depayloader.h"
#include "tests/unit/ingest/rtsp/fake_publications.h"

namespace penstock::ingest::rtsp {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PullerTest : public ::testing::Test {
 protected:
  void Start(RtspTransport transport = RtspTransport::kAuto,
             std::string url = "rtsp://u:p@10.0.0.7/live", std::string fingerprint = "") {
    SourceConfig config{*StreamName::Parse("cam"), std::move(url), transport};
    config.tls_fingerprint = std::move(fingerprint);
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

}  // namespace penstock::ingest::rtsp
