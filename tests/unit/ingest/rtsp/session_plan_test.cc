// Descriptions as cameras write them (tests/unit/ingest/fixtures), and what is planned from them.
#include "ingest/rtsp/session_plan.h"

#include <fstream>
#include <sstream>

#include "ingest/rtsp/media_format.h"

namespace penstock::ingest::rtsp {
namespace {

using ::testing::ElementsAre;

class SessionPlanTest : public ::testing::Test {
 protected:
  static std::string Fixture(const std::string& name) {
    std::ifstream in("tests/unit/ingest/fixtures/" + name, std::ios::binary);
    EXPECT_TRUE(in.is_open()) << name << " (the working folder must be the repository's root)";
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static Result<SessionPlan> Plan(const std::string& sdp, std::string content_base = "") {
    Response response;
    if (!content_base.empty()) response.headers.Add("content-base", content_base);
    response.body = Bytes::Copy(sdp);
    return PlanSession(response, "rtsp://10.0.0.7/live");
  }
  static std::vector<std::string> Urls(const SessionPlan& plan) {
    std::vector<std::string> urls;
    for (const PlannedTrack& track : plan.candidates) urls.push_back(track.url);
    return urls;
  }
};

TEST_F(SessionPlanTest, AbsoluteControlsStandForThemselvesAndMetadataIsLeftOut) {
  const auto plan =
      Plan(Fixture("hikvision.sdp"), "rtsp://192.168.1.64:554/Streaming/Channels/101/");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->aggregate_url, "rtsp://192.168.1.64:554/Streaming/Channels/101/");
  EXPECT_THAT(Urls(*plan), ElementsAre("rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1",
                                       "rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=2"));
  const SdpMedia& video = plan->candidates[0].media;
  EXPECT_EQ(video.encoding, "H264");
  EXPECT_EQ(video.Parameter("packetization-mode"), "1");
  EXPECT_TRUE(video.Parameter("sprop-parameter-sets")->ends_with("oA==,aO44gA=="));
  EXPECT_EQ(ToRtpFormat(plan->candidates[1].media)->encoding_name, "PCMU");
}

TEST_F(SessionPlanTest, AStarMeansTheBaseEvenWithAQueryInIt) {
  const auto plan = Plan(Fixture("dahua.sdp"), "rtsp://h/cam/realmonitor?channel=1&subtype=0/");
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->aggregate_url, "rtsp://h/cam/realmonitor?channel=1&subtype=0/");
  EXPECT_THAT(Urls(*plan), ElementsAre("rtsp://h/cam/realmonitor?channel=1&subtype=0/trackID=0",
                                       "rtsp://h/cam/realmonitor?channel=1&subtype=0/trackID=1"));
  EXPECT_EQ(MediaName(plan->candidates[0].media), "H.265");
  const auto audio = ToRtpFormat(plan->candidates[1].media);
  ASSERT_TRUE(audio.ok());
  EXPECT_EQ(audio->clock_rate, 48'000u);
  EXPECT_EQ(audio->channels, 0u);
}

TEST_F(SessionPlanTest, WithoutContentBaseAndControlsTheRequestsUrlIsMeant) {
  const auto plan = Plan(Fixture("no_controls.sdp"));
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->aggregate_url, "rtsp://10.0.0.7/live");
  EXPECT_THAT(Urls(*plan), ElementsAre("rtsp://10.0.0.7/live"));
  EXPECT_EQ(plan->candidates[0].media.encoding, "H264") << "whatever its case";
}

TEST_F(SessionPlanTest, AContentBaseThatIsNoUrlIsIgnored) {
  for (const std::string base : {"/live/", "10.0.0.7/live", "rtsp://", "http://h/"}) {
    const auto plan = Plan(Fixture("dahua.sdp"), base);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->candidates[0].url, "rtsp://10.0.0.7/live/trackID=0") << base;
  }
}

TEST_F(SessionPlanTest, LatmKeepsItsConfiguration) {
  const auto plan = Plan(Fixture("latm_without_sprop.sdp"));
  ASSERT_TRUE(plan.ok());
  const auto format = ToRtpFormat(plan->candidates[1].media);
  ASSERT_TRUE(format.ok());
  EXPECT_EQ(format->encoding_name, "MP4A-LATM");
  EXPECT_EQ(plan->candidates[1].media.Parameter("config"), "40002410");
  EXPECT_EQ(plan->candidates[0].media.Parameter("sprop-parameter-sets"), std::nullopt);
}

TEST_F(SessionPlanTest, AControlAtAnotherHostIsSentAsItIs) {
  EXPECT_THAT(Urls(*Plan(Fixture("other_host.sdp"))), ElementsAre("rtsp://10.1.2.3/inner/track1"));
}

TEST_F(SessionPlanTest, StaticPayloadTypesHaveNamesAndInactiveMediaAreLeftOut) {
  const auto plan = Plan(Fixture("static_only.sdp"));
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->candidates.size(), 2u);
  EXPECT_EQ(MediaName(plan->candidates[0].media), "Motion JPEG");
  EXPECT_EQ(MediaName(plan->candidates[1].media), "G.711 (PCMA)");
}

TEST_F(SessionPlanTest, WhatIsNoDescriptionIsSaid) {
  EXPECT_EQ(Plan("<html>").error().message(), "not a session description (SDP)");
  EXPECT_EQ(Plan("v=0\r\n").error().message(), "the session description has no media");
  EXPECT_EQ(Plan("v=0\r\nm=video\r\n").error().code(), ErrorCode::kProtocol);
  std::string many = "v=0\r\n";
  for (int i = 0; i < 17; ++i) many += "m=video 0 RTP/AVP 96\r\n";
  EXPECT_EQ(Plan(many).error().code(), ErrorCode::kTooLarge);
}

TEST_F(SessionPlanTest, EncryptedAndUnnamedMediaAreRefusedByName) {
  SdpMedia media;
  media.type = "video";
  media.protocol = "RTP/SAVPF";
  media.encoding = "H264";
  EXPECT_EQ(ToRtpFormat(media).error().message(), "encrypted RTP (RTP/SAVPF)");
  media.protocol = "RTP/AVP";
  media.encoding.clear();
  media.payload_type = 96;
  EXPECT_EQ(ToRtpFormat(media).error().message(), "video of payload type 96");
}

}  // namespace
}  // namespace penstock::ingest::rtsp
