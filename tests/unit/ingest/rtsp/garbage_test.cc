// What is no RTP and no RTCP, in the middle of a session that plays.
#include "tests/unit/ingest/rtsp/puller_fixture.h"

namespace penstock::ingest::rtsp {
namespace {

// Every kind once, and noise. None of it is a packet of the source that plays.
std::vector<Bytes> Garbage(Prng& random) {
  std::vector<Bytes> out;
  const Bytes packet = RtpPacket(96, 1000, 1, "Kpayload");
  // Headers that end early.
  for (size_t size = 0; size < 12; ++size) out.push_back(packet.Slice(0, size));
  const auto changed = [&](size_t at, uint8_t value) {
    std::vector<uint8_t> bytes(packet.data(), packet.data() + packet.size());
    bytes[at] = value;
    return bytes;
  };
  out.push_back(Bytes::From(changed(0, 0x8f)));  // 15 contributing sources that are not there
  out.push_back(Bytes::From(changed(0, 0x90)));  // an extension longer than the packet
  out.push_back(Bytes::From(changed(0, 0xa0)));  // padding longer than the payload
  out.push_back(Bytes::From(changed(0, 0x40)));  // another version
  out.push_back(RtpPacket(35, 1000, 1, "Kother"));
  out.push_back(RtpPacket(0, 1000, 1, "Kother"));
  out.push_back(RtpPacket(96, 1000, 1, "Kstranger", static_cast<uint32_t>(random.Next()) | 2));
  // RTCP whose lengths lie: beyond the datagram, shorter than a report, followed by nothing, zero.
  const Bytes report = SenderReportPacket(rtp::ToNtp(ProducerTimeFromUs(1)), 77);
  for (const uint8_t words : {0, 1, 3, 5, 7, 200, 255}) {
    std::vector<uint8_t> bytes(report.data(), report.data() + report.size());
    bytes[3] = words;
    out.push_back(Bytes::From(std::move(bytes)));
  }
  for (size_t size = 1; size < report.size(); ++size) out.push_back(report.Slice(0, size));
  for (int i = 0; i < 20; ++i) {
    std::vector<uint8_t> noise(random.Below(1500));
    for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random.Next());
    // Random bits may spell a report, which would be believed.
    if (rtp::LooksLikeRtcp(noise)) noise[0] = 0;
    out.push_back(Bytes::From(std::move(noise)));
  }
  return out;
}

class GarbageTest : public PullerTest, public ::testing::WithParamInterface<RtspTransport> {
 protected:
  // Channels 0 to 3: pictures, their reports, sound, its reports.
  void Send(uint8_t channel, const Bytes& packet) {
    if (GetParam() == RtspTransport::kUdp) {
      camera_.sockets.at(channel)->Deliver(packet, "10.0.0.7");
    } else {
      camera_.SendPacket(channel, packet);
    }
  }
};

TEST_P(GarbageTest, HarmsNeitherTheSessionNorWhatIsRecorded) {
  const uint64_t seed = RandomU64();
  SCOPED_TRACE(seed);
  Prng random(seed);
  Start(GetParam());
  constexpr uint16_t kPackets = 120;
  for (uint16_t i = 0; i < kPackets; ++i) {
    // The source that plays is the first that is heard.
    const std::vector<Bytes> garbage = i == 0 ? std::vector<Bytes>() : Garbage(random);
    for (uint8_t channel = 0; channel < 4; ++channel) {
      executor_.Post([&, channel, i] {
        for (const Bytes& bytes : garbage) {
          Send(channel, bytes);
          if (GetParam() == RtspTransport::kTcp) camera_.SendPacket(77, bytes);
        }
        if (channel == 0)
          Send(0, RtpPacket(96, i, i * 9000u, fmt::format("{}{}", i % 10 == 0 ? "K" : "p", i)));
        if (channel == 2) Send(2, RtpPacket(97, i, i * 4800u, fmt::format("K{}", i)));
        if (channel == 1 && i == 60)
          Send(1, SenderReportPacket(rtp::ToNtp(ProducerTimeFromUs(1'700'000'000'000'000)), 9000));
      });
    }
    executor_.Advance(milliseconds(100));
  }

  const Delivered got = Got();
  ASSERT_EQ(got.UnitsOf(1), kPackets);
  ASSERT_EQ(got.UnitsOf(2), kPackets);
  for (uint16_t i = 0; i < kPackets; ++i) {
    const fragmenter::AccessUnit& picture = got.units.at(1)[i];
    EXPECT_EQ(picture.data.text(), fmt::format("{}{}", i % 10 == 0 ? "K" : "p", i));
    EXPECT_EQ(picture.pts, i * 9000);
    EXPECT_FALSE(picture.damaged);
    const fragmenter::AccessUnit& sound = got.units.at(2)[i];
    EXPECT_EQ(sound.data.text(), fmt::format("K{}", i));
    EXPECT_EQ(sound.pts, i * 4800);
    EXPECT_FALSE(sound.damaged);
  }
  EXPECT_TRUE(got.lost.empty());
  EXPECT_EQ(got.breaks, 0);
  EXPECT_EQ(got.sender_reports, (std::vector<std::pair<uint32_t, int64_t>>{{1, 9000}}));
  EXPECT_EQ(camera_.dialled.size(), 1u);
  EXPECT_EQ(Last().state, SourceState::kRecording);
}

INSTANTIATE_TEST_SUITE_P(Transports, GarbageTest,
                         ::testing::Values(RtspTransport::kTcp, RtspTransport::kUdp));

}  // namespace
}  // namespace penstock::ingest::rtsp
