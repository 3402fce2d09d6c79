#include "ingest/publication_registry.h"

namespace penstock::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

TrackStatus Video(int64_t silent_ms, uint64_t units = 100) {
  return {.number = 1,
          .description = "H.264 1280x720",
          .units = units,
          .video = true,
          .key_frames = 3,
          .silent_ms = silent_ms};
}
TrackStatus Audio(int64_t silent_ms, uint64_t units = 100) {
  return {
      .number = 2, .description = "AAC 48000 Hz stereo", .units = units, .silent_ms = silent_ms};
}

RecorderCounters Flowing(milliseconds running) {
  RecorderCounters counters;
  counters.running = running;
  counters.tracks = {Video(40), Audio(20)};
  counters.fragments_stored = 3;
  counters.stored = true;
  return counters;
}

TEST(JudgeRecordingTest, AHealthySourceIsRecordingWithoutAReason) {
  const SourceStatus status = JudgeRecording(Flowing(seconds(30)));
  EXPECT_EQ(status.state, SourceState::kRecording);
  EXPECT_EQ(status.reason, "");
}

TEST(JudgeRecordingTest, NothingAtAllIsSaidSo) {
  RecorderCounters counters;
  counters.running = seconds(3);
  const SourceStatus status = JudgeRecording(counters);
  EXPECT_EQ(status.state, SourceState::kWaiting);
  EXPECT_EQ(status.reason, "connected, no media for 3 s");
}

TEST(JudgeRecordingTest, MissingKeyFramesAreNamedWithTheirTime) {
  RecorderCounters counters = Flowing(seconds(12));
  counters.stored = false;
  counters.tracks[0].key_frames = 0;
  const SourceStatus status = JudgeRecording(counters);
  EXPECT_EQ(status.state, SourceState::kWaiting);
  EXPECT_EQ(status.reason, "no key frame for 12 s");
}

TEST(JudgeRecordingTest, WhatIsStoredWithoutKeyFramesIsRecordingWithAWarning) {
  RecorderCounters counters = Flowing(seconds(70));
  counters.tracks[0].key_frames = 0;
  const SourceStatus status = JudgeRecording(counters);
  EXPECT_EQ(status.state, SourceState::kRecording);
  EXPECT_EQ(status.reason, "no key frame for 70 s: recorded without, not playable from any point");
}

TEST(JudgeRecordingTest, SoundAloneNeedsNoKeyFrame) {
  RecorderCounters counters = Flowing(seconds(70));
  counters.tracks.erase(counters.tracks.begin());
  EXPECT_EQ(JudgeRecording(counters).reason, "");
  counters.stored = false;
  EXPECT_EQ(JudgeRecording(counters).reason, "collecting the first fragment");
}

TEST(JudgeRecordingTest, FragmentsOfAnEarlierConnectionDoNotMakeItRecording) {
  RecorderCounters counters = Flowing(seconds(1));
  counters.stored = false;
  EXPECT_EQ(JudgeRecording(counters).state, SourceState::kWaiting);
  EXPECT_EQ(JudgeRecording(counters).reason, "collecting the first fragment");
}

TEST(JudgeRecordingTest, ASilentTrackIsNamedWhileTheOtherOneIsRecorded) {
  RecorderCounters counters = Flowing(seconds(60));
  counters.tracks[1] = Audio(7000);
  const SourceStatus status = JudgeRecording(counters);
  EXPECT_EQ(status.state, SourceState::kRecording);
  EXPECT_EQ(status.reason, "no data on track 2 (AAC 48000 Hz stereo) for 7 s");
}

TEST(JudgeRecordingTest, WhenAllTracksFellSilentNothingIsBeingRecorded) {
  RecorderCounters counters = Flowing(seconds(60));
  counters.tracks = {Video(9000), Audio(9000)};
  EXPECT_EQ(JudgeRecording(counters).state, SourceState::kWaiting);
}

TEST(JudgeRecordingTest, AFullDiskOutweighsEverything) {
  RecorderCounters counters = Flowing(seconds(60));
  counters.storage_error.emplace(ErrorCode::kFull, "95 % of the volume is used");
  const SourceStatus status = JudgeRecording(counters);
  EXPECT_EQ(status.state, SourceState::kWaiting);
  EXPECT_THAT(status.reason, HasSubstr("disk full"));
}

TEST(CombineStatusTest, TroubleOfTheSessionOutweighsWhatCountersSay) {
  const SourceStatus judged{.state = SourceState::kRecording, .reason = ""};
  for (const SourceState state : {SourceState::kFailed, SourceState::kRefused,
                                  SourceState::kConnecting, SourceState::kWaiting}) {
    const SourceStatus reported{.state = state, .reason = "why"};
    EXPECT_EQ(CombineStatus(reported, judged, false).state, state);
    EXPECT_EQ(CombineStatus(reported, judged, false).reason, "why");
  }
}

TEST(CombineStatusTest, AFullDiskIsShownWhateverASessionThatDeliversSays) {
  const SourceStatus judged{.state = SourceState::kWaiting, .reason = "disk full: x"};
  for (const SourceState state :
       {SourceState::kIdle, SourceState::kWaiting, SourceState::kRecording}) {
    const SourceStatus reported{.state = state, .reason = "why"};
    EXPECT_EQ(CombineStatus(reported, judged, true).reason, "disk full: x");
  }
}

TEST(CombineStatusTest, ACameraThatIsAwayIsNotADiskThatWasFull) {
  const SourceStatus judged{.state = SourceState::kWaiting, .reason = "disk full: x"};
  for (const SourceState state :
       {SourceState::kFailed, SourceState::kConnecting, SourceState::kRefused}) {
    const SourceStatus reported{.state = state, .reason = "why"};
    EXPECT_EQ(CombineStatus(reported, judged, true).state, state);
    EXPECT_EQ(CombineStatus(reported, judged, true).reason, "why");
  }
}

TEST(CombineStatusTest, WhatIsLeftOutOfARecordingIsStillSaid) {
  const SourceStatus judged{.state = SourceState::kRecording,
                            .reason = "no data on track 2 (AAC) for 7 s"};
  const SourceStatus reported{.state = SourceState::kRecording, .reason = "without G.711 (PCMA)"};
  const SourceStatus both = CombineStatus(reported, judged, false);
  EXPECT_EQ(both.state, SourceState::kRecording);
  EXPECT_EQ(both.reason, "without G.711 (PCMA); no data on track 2 (AAC) for 7 s");
}

TEST(SourceConfigTest, PasswordsAreNeverShown) {
  const StreamName name = StreamName::Parse("cam").value();
  for (const auto& [url, shown] : std::map<std::string, std::string>{
           {"rtsp://admin:secret@10.0.0.7/live", "rtsp://admin:***@10.0.0.7/live"},
           {"rtsp://admin:se@cret@10.0.0.7/live", "rtsp://admin:***@10.0.0.7/live"},
           {"rtsp://10.0.0.7:554/live?user=a@b", "rtsp://10.0.0.7:554/live?user=a@b"},
           {"rtsps://admin:secret@10.0.0.7/live", "rtsps://admin:***@10.0.0.7/live"},
           {"rtsps://10.0.0.7/live", "rtsps://10.0.0.7/live"},
           {"rtsp://admin@10.0.0.7", "rtsp://admin@10.0.0.7"}}) {
    const SourceConfig config{.name = name, .url = url};
    EXPECT_EQ(config.RedactedUrl(), shown);
    EXPECT_TRUE(CheckSourceUrl(url).ok()) << url;
  }
}

TEST(SourceConfigTest, WhatIsNoCameraUrlIsRefusedInWords) {
  for (const char* url :
       {"", "http://camera/", "rtsp://", "rtsp://user:pw@/x", "rtsp://camera/a b"}) {
    EXPECT_EQ(CheckSourceUrl(url).error().code(), ErrorCode::kInvalidArgument) << url;
  }
}

TEST(SourceConfigTest, WhatDoesNotGoTogetherWithTlsIsRefused) {
  SourceConfig config{.name = StreamName::Parse("cam").value(), .url = "rtsps://camera/a"};
  config.tls_fingerprint = std::string(64, 'a');
  EXPECT_TRUE(CheckSource(config).ok());
  const SourceConfig kept = SourceConfig::FromJson(config.ToJson()).value();
  EXPECT_EQ(kept, config);
  config.transport = RtspTransport::kUdp;
  EXPECT_FALSE(CheckSource(config).ok());
  config.transport = RtspTransport::kTcp;
  config.url = "rtsp://camera/a";
  EXPECT_FALSE(CheckSource(config).ok());
  config.url = "rtsps://camera/a";
  config.tls_fingerprint = "aa";
  EXPECT_FALSE(CheckSource(config).ok());
}

TEST(SourceConfigTest, TheCatalogKeepsEverything) {
  const SourceConfig config{.name = StreamName::Parse("cam").value(),
                            .url = "rtsp://a:b@c/d",
                            .transport = RtspTransport::kUdp};
  const SourceConfig read = SourceConfig::FromJson(config.ToJson()).value();
  EXPECT_EQ(read.name, config.name);
  EXPECT_EQ(read.url, config.url);
  EXPECT_EQ(read.transport, config.transport);
}

}  // namespace
}  // namespace penstock::ingest
