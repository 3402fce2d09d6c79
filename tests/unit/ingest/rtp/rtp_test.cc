#include "base/byte_io.h"
#include "base/random.h"
#include "ingest/rtp/packet.h"
#include "ingest/rtp/reception_stats.h"
#include "ingest/rtp/reorder_window.h"
#include "ingest/rtp/rtcp.h"
#include "ingest/rtp/unwrap.h"

namespace penstock::ingest::rtp {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(RtpPacketTest, ThePayloadLiesBetweenExtensionAndPadding) {
  const uint8_t packet[] = {
      0xb1,                    // version 2, padding, extension, one contributing source
      0xe0,                    // marker, payload type 96
      0x12, 0x34,              // sequence
      0x00, 0x01, 0x5f, 0x90,  // timestamp 90,000
      0xde, 0xad, 0xbe, 0xef,  // SSRC
      0x00, 0x00, 0x00, 0x07,  // contributing source
      0xbe, 0xde, 0x00, 0x01,  // extension of one word
      0x10, 0xff, 0x00, 0x00,  // its data
      0x65, 0x88, 0x84,        // payload
      0x00, 0x02,              // padding of two bytes
  };
  const auto header = ParsePacket(packet);
  ASSERT_TRUE(header.ok());
  EXPECT_TRUE(header->marker);
  EXPECT_EQ(header->payload_type, 96);
  EXPECT_EQ(header->sequence, 0x1234);
  EXPECT_EQ(header->timestamp, 90'000u);
  EXPECT_EQ(header->ssrc, 0xdeadbeefu);
  EXPECT_EQ(header->payload_offset, 24u);
  EXPECT_EQ(header->payload_size, 3u);
}

TEST(RtpPacketTest, EveryShorterPacketIsRefused) {
  ByteWriter out;
  out.BeN(0x9160'0001'0000'0000, 8);
  out.BeN(1, 4);
  out.BeN(7, 4);           // contributing source
  out.BeN(0xbede0001, 4);  // extension of one word
  out.BeN(0, 4);
  const ByteSpan whole = out.span();
  ASSERT_TRUE(ParsePacket(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParsePacket(whole.first(size)).ok()) << size;
  }
}

TEST(RtpPacketTest, PaddingLongerThanThePayloadIsRefused) {
  ByteWriter out;
  out.BeN(0xa060'0001'0000'0000, 8);
  out.BeN(1, 4);
  out.BeN(3, 1);
  EXPECT_FALSE(ParsePacket(out.span()).ok());
}

TEST(UnwrapTest, TimestampsGoOnOverTheWrapAndBack) {
  TimestampUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.Next(0xffff'ff00), 0xffff'ff00);
  EXPECT_EQ(unwrapper.Next(0x100), 0x1'0000'0100);
  EXPECT_EQ(unwrapper.Near(0xffff'fff0), 0xffff'fff0);  // a B-frame before the wrap
  EXPECT_EQ(unwrapper.Next(0xffff'fff0), 0xffff'fff0);
  EXPECT_EQ(unwrapper.Next(0x200), 0x1'0000'0200);
}

TEST(UnwrapTest, MpegTimesGoOnOverTheirWrapAt33Bits) {
  MpegUnwrapper unwrapper;
  EXPECT_EQ(unwrapper.Next(0x1'ffff'ff00), 0x1'ffff'ff00);
  EXPECT_EQ(unwrapper.Next(0x100), 0x2'0000'0100);
  EXPECT_EQ(unwrapper.Near(0x1'ffff'fff0), 0x1'ffff'fff0);
  EXPECT_EQ(unwrapper.Next(0x1'0000'00ff), 0x3'0000'00ff);  // just less than half of the range
  EXPECT_EQ(unwrapper.Next(0x0'0000'00ff), 0x2'0000'00ff);  // half of it: back
}

TEST(UnwrapTest, AMillionWrapsOfRandomStepsEqualTheSum) {
  const uint64_t seed = RandomU64();
  SCOPED_TRACE(seed);
  Prng random(seed);
  TimestampUnwrapper unwrapper;
  uint64_t truth = random.Below(uint64_t{1} << 32);
  for (int i = 0; i < 1'000'000; ++i) {
    ASSERT_EQ(unwrapper.Next(static_cast<uint32_t>(truth)), static_cast<int64_t>(truth));
    truth += random.Below(0x7fff'ffff);
  }
}

class ReorderWindowTest : public ::testing::Test {
 protected:
  void Insert(ReorderWindow& window, uint16_t sequence) {
    ByteWriter packet;
    packet.Be(sequence);
    window.Insert(sequence, packet.Take(), clock_.SteadyNow());
  }
  ReorderWindow Make(size_t packets_max) {
    ReorderWindow::Options options;
    options.packets_max = packets_max;
    return ReorderWindow(options, [this](Bytes packet, uint64_t lost_before) {
      out_.emplace_back(ByteReader(packet).Be<uint16_t>(), lost_before);
    });
  }

  SimulatedClock clock_{ServerTimeFromMs(0)};
  std::vector<std::pair<int, int>> out_;  // sequence, lost before it
};

TEST_F(ReorderWindowTest, AnOrderedTransportKnowsALossAtOnce) {
  ReorderWindow window = Make(0);
  for (const int s : {65534, 65535, 1, 2}) Insert(window, static_cast<uint16_t>(s));
  EXPECT_THAT(out_, ElementsAre(Pair(65534, 0), Pair(65535, 0), Pair(1, 1), Pair(2, 0)));
  EXPECT_EQ(window.lost(), 1u);
}

TEST_F(ReorderWindowTest, ALateOneIsPutIntoItsPlace) {
  ReorderWindow window = Make(8);
  for (const uint16_t s : {10, 12, 13, 11, 14}) Insert(window, s);
  EXPECT_THAT(out_, ElementsAre(Pair(10, 0), Pair(11, 0), Pair(12, 0), Pair(13, 0), Pair(14, 0)));
  EXPECT_EQ(window.lost(), 0u);
}

TEST_F(ReorderWindowTest, WhatDoesNotComeInTimeIsLost) {
  ReorderWindow window = Make(8);
  Insert(window, 10);
  Insert(window, 13);
  clock_.Advance(milliseconds(100));
  Insert(window, 14);
  EXPECT_THAT(out_, ElementsAre(Pair(10, 0)));
  clock_.Advance(milliseconds(100));
  window.Expire(clock_.SteadyNow());
  EXPECT_THAT(out_, ElementsAre(Pair(10, 0), Pair(13, 2), Pair(14, 0)));
  Insert(window, 11);
  EXPECT_EQ(window.late(), 1u);
}

TEST_F(ReorderWindowTest, AFullWindowGivesUpTheOldestGap) {
  ReorderWindow window = Make(2);
  for (const uint16_t s : {10, 12, 14, 16}) Insert(window, s);
  EXPECT_THAT(out_, ElementsAre(Pair(10, 0), Pair(12, 1)));
  EXPECT_EQ(window.held(), 2u);
}

TEST_F(ReorderWindowTest, DuplicatesAreDropped) {
  ReorderWindow window = Make(8);
  for (const uint16_t s : {10, 10, 12, 12, 11}) Insert(window, s);
  EXPECT_THAT(out_, ElementsAre(Pair(10, 0), Pair(11, 0), Pair(12, 0)));
  EXPECT_EQ(window.late(), 2u);
}

TEST_F(ReorderWindowTest, AJumpIsFollowedWhenTwoPacketsAgree) {
  ReorderWindow window = Make(8);
  for (const uint16_t s : {10, 40000, 11, 50000, 50001, 50002}) Insert(window, s);
  EXPECT_THAT(out_, ElementsAre(Pair(10, 0), Pair(11, 0), Pair(50001, 1), Pair(50002, 0)));
  EXPECT_EQ(window.restarts(), 1u);
}

TEST_F(ReorderWindowTest, WhateverComesIsGivenOutOnceInOrderAndTheRestIsCounted) {
  const uint64_t seed = RandomU64();
  SCOPED_TRACE(seed);
  Prng random(seed);
  ReorderWindow window = Make(16);
  std::vector<uint16_t> sent;
  const auto start = static_cast<uint16_t>(random.Next());
  for (int i = 0; i < 20'000; ++i) {
    if (i < 2 || !random.OneIn(10)) sent.push_back(static_cast<uint16_t>(start + i));
  }
  for (size_t i = 2; i + 1 < sent.size(); ++i) {
    if (random.OneIn(5)) std::swap(sent[i], sent[i + 1]);
  }
  for (const uint16_t s : sent) Insert(window, s);
  window.Flush();
  ASSERT_EQ(out_.size(), sent.size());
  uint64_t lost = 0;
  for (size_t i = 0; i < out_.size(); ++i) {
    lost += static_cast<uint64_t>(out_[i].second);
    ASSERT_EQ(out_[i].first, static_cast<uint16_t>(start + i + lost)) << i;
  }
  EXPECT_EQ(lost, window.lost());
}

TEST(RtcpTest, ASenderReportOfACameraIsRead) {
  const uint8_t datagram[] = {
      0x80, 200,  0x00, 0x06,                          // sender report without blocks
      0x11, 0x22, 0x33, 0x44,                          // SSRC
      0xec, 0x3c, 0x5f, 0x80, 0x80, 0x00, 0x00, 0x00,  // NTP time with half a second
      0x00, 0x01, 0x5f, 0x90,                          // RTP time
      0x00, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x01, 0x00,  // packets, bytes
      0x81, 202,  0x00, 0x02,                          // SDES
      0x11, 0x22, 0x33, 0x44, 0x01, 0x01, 'c',  0x00,
      0x81, 203,  0x00, 0x01, 0x11, 0x22, 0x33, 0x44,  // BYE
  };
  const auto compound = ParseCompound(datagram);
  ASSERT_TRUE(compound.ok());
  ASSERT_EQ(compound->sender_reports.size(), 1u);
  const SenderReport& report = compound->sender_reports[0];
  EXPECT_EQ(report.ssrc, 0x11223344u);
  EXPECT_EQ(report.timestamp, 90'000u);
  EXPECT_EQ(ToUs(FromNtp(report.ntp)), (0xec3c5f80LL - 2'208'988'800LL) * 1'000'000 + 500'000);
  EXPECT_THAT(compound->byes, ElementsAre(0x11223344u));
  for (size_t size = 1; size < sizeof(datagram); ++size) {
    if (size == 28 || size == 40) continue;  // between two packets
    EXPECT_FALSE(ParseCompound(ByteSpan(datagram).first(size)).ok()) << size;
  }
}

TEST(RtcpTest, NtpTimesSurviveTheRoundTripAndTheEraOf2036) {
  for (const int64_t us : {int64_t{0}, int64_t{1'767'225'600'123'457},
                           int64_t{2'085'978'496'000'001}, int64_t{2'900'000'000'999'999}}) {
    EXPECT_EQ(ToUs(FromNtp(ToNtp(ProducerTimeFromUs(us)))), us);
  }
}

TEST(RtcpTest, AReceiverReportIsReadAsItWasWritten) {
  ReportBlock block;
  block.ssrc = 7;
  block.fraction_lost = 64;
  block.lost = -3;
  block.highest_sequence = 0x0001'0002;
  block.jitter = 9;
  block.last_report = 0x1234'5678;
  block.since_last_report = 65536;
  for (const std::string_view cname : {"", "a", "ab", "abc", "penstock@10.0.0.1"}) {
    const Bytes report = MakeReceiverReport(1, {block}, cname, true);
    EXPECT_EQ(report.size() % 4, 0u);
    const auto compound = ParseCompound(report);
    ASSERT_TRUE(compound.ok()) << compound.error().ToString();
    ASSERT_EQ(compound->blocks.size(), 1u);
    EXPECT_EQ(compound->blocks[0].lost, -3);
    EXPECT_EQ(compound->blocks[0].highest_sequence, 0x0001'0002u);
    EXPECT_EQ(compound->blocks[0].last_report, 0x1234'5678u);
    EXPECT_THAT(compound->byes, ElementsAre(1u));
  }
}

TEST(ReceptionStatsTest, ReportsLossOfTheIntervalAndOfAllTime) {
  SimulatedClock clock(ServerTimeFromMs(0));
  ReceptionStats stats(90'000);
  EXPECT_FALSE(stats.TakeReport(clock.SteadyNow()).has_value());
  for (int i = 0; i < 100; ++i) {
    clock.Advance(milliseconds(40));
    if (i % 4 == 3) continue;
    PacketHeader header;
    header.ssrc = 5;
    header.sequence = static_cast<uint16_t>(65500 + i);
    header.timestamp = static_cast<uint32_t>(3600 * i);
    stats.OnPacket(header, clock.SteadyNow());
  }
  const auto first = stats.TakeReport(clock.SteadyNow());
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->lost, 24);
  EXPECT_EQ(first->fraction_lost, 24 * 256 / 99);
  EXPECT_EQ(first->highest_sequence, 65598u);
  EXPECT_EQ(first->jitter, 0u);
  const auto second = stats.TakeReport(clock.SteadyNow());
  EXPECT_EQ(second->fraction_lost, 0);
  EXPECT_EQ(second->lost, 24);
}

TEST(ReceptionStatsTest, TellsTheSenderHowOldItsReportIs) {
  SimulatedClock clock(ServerTimeFromMs(0));
  ReceptionStats stats(8000);
  stats.OnPacket(PacketHeader(), clock.SteadyNow());
  SenderReport report;
  report.ntp = 0x1111'2222'3333'4444;
  stats.OnSenderReport(report, clock.SteadyNow());
  clock.Advance(milliseconds(500));
  const auto block = stats.TakeReport(clock.SteadyNow());
  EXPECT_EQ(block->last_report, 0x2222'3333u);
  EXPECT_EQ(block->since_last_report, 32768u);
}

}  // namespace
}  // namespace penstock::ingest::rtp
