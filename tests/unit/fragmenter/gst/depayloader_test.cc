#include "fragmenter/gst/depayloader.h"

#include <algorithm>

#include <malloc.h>

#include "base/limits.h"
#include "tests/unit/fragmenter/media_clip.h"

#ifdef __SANITIZE_ADDRESS__
// GLib's table of quarks is never freed, and where it grows only g_malloc is on the stack. What we
// owe GLib is proved by NothingKeepsThePacketsAlive instead.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libglib-2.0.so";
}  // NOLINT: the sanitizer's name
#endif

namespace penstock::fragmenter::gst {
namespace {

using namespace fragmenter::testing;  // NOLINT: the tests' own words

struct Collected {
  std::vector<TrackConfig> configs;
  std::vector<AccessUnit> units;
  std::vector<size_t> units_at_config;

  Depayloader::Callbacks Callbacks() {
    return {[this](TrackConfig config) {
              configs.push_back(std::move(config));
              units_at_config.push_back(units.size());
            },
            [this](AccessUnit unit) { units.push_back(std::move(unit)); }};
  }
};

std::unique_ptr<Depayloader> Make(const RtpFormat& format, Collected& out) {
  Result<std::unique_ptr<Depayloader>> made = Depayloader::Make(format, 1, out.Callbacks());
  EXPECT_TRUE(made.ok()) << made.error().ToString();
  return std::move(made).value();
}

Collected Depay(const RtpClip& clip) {
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  int64_t now = 1'700'000'000'000;
  for (const Bytes& packet : clip.packets)
    depayloader->Push(packet, TimestampOf(packet), false, ServerTimeFromMs(now++));
  depayloader->Flush();
  EXPECT_EQ(depayloader->errors(), 0u) << depayloader->last_error();
  return out;
}

// Sizes and times, relative to the first, are the source's.
void ExpectSame(const std::vector<AccessUnit>& units, const std::vector<ClipPacket>& source,
                int64_t clock_rate, int64_t source_rate) {
  ASSERT_EQ(units.size(), source.size());
  for (size_t i = 0; i < units.size(); ++i) {
    EXPECT_EQ(units[i].data.size(), source[i].size) << i;
    const int64_t expected = (source[i].pts - source[0].pts) * clock_rate / source_rate;
    EXPECT_NEAR(static_cast<double>(units[i].pts - units[0].pts), static_cast<double>(expected), 1)
        << i;
  }
}

class DepayloaderTest : public ::testing::Test {
 protected:
  penstock::testing::TempDir dir_;
  std::string folder_ = dir_.path();
};

TEST_F(DepayloaderTest, H264UnitsAndTimesAreTheSources) {
  const std::string path = MakeClip(folder_, "a", kH264, "");
  const Collected out = Depay(PayH264(path));
  ExpectSame(out.units, Packets(path), 90'000, 12'800);
  ASSERT_EQ(out.configs.size(), 1u);
  EXPECT_EQ(out.units_at_config[0], 0u);
  EXPECT_EQ(out.configs[0].width, 320u);
  EXPECT_EQ(out.configs[0].height, 180u);
  EXPECT_EQ(out.configs[0].CodecString().substr(0, 7), "avc1.4d");
  for (size_t i = 0; i < out.units.size(); ++i) EXPECT_EQ(out.units[i].key, i % 50 == 0) << i;
}

// A broken camera, or somebody who wants the server's memory.
TEST_F(DepayloaderTest, AUnitThatNeverEndsIsGivenUpAtTheBound) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (const size_t payload_bytes : {size_t{1400}, size_t{1}}) {
    std::vector<std::weak_ptr<const void>> packets;
    size_t held = 0;
    for (uint16_t sequence = 0; sequence < 60'000; ++sequence) {
      std::vector<uint8_t> bytes(14 + payload_bytes, 0xaa);
      const uint8_t head[] = {0x80,
                              96,
                              static_cast<uint8_t>(sequence >> 8),
                              static_cast<uint8_t>(sequence),
                              0,
                              0,
                              3,
                              232,
                              0,
                              0,
                              0,
                              77,
                              0x7c,
                              static_cast<uint8_t>(sequence == 0 ? 0x85 : 0x05)};
      std::copy(std::begin(head), std::end(head), bytes.begin());
      auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
      packets.emplace_back(owner);
      const ByteSpan span(*owner);
      depayloader->Push(Bytes(std::move(owner), span), 1000, false, {});
      if (sequence % 1000 != 0) continue;
      held = std::max(held, static_cast<size_t>(std::ranges::count_if(
                                packets, [](const auto& packet) { return !packet.expired(); })));
    }
    EXPECT_LE(held * (14 + payload_bytes), limits::kAccessUnitBytesMax);
    EXPECT_LE(held, 40'000u);
  }
  EXPECT_GT(depayloader->errors(), 0u);
  // Good packets afterwards are media again.
  depayloader->Flush();
  for (const Bytes& packet : clip.packets)
    depayloader->Push(packet, TimestampOf(packet), false, {});
  EXPECT_GT(out.units.size(), 20u);
}

TEST_F(DepayloaderTest, EachUnitIsGivenOutWithItsLastPacket) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  size_t markers = 0;
  for (const Bytes& packet : clip.packets) {
    depayloader->Push(packet, TimestampOf(packet), false, {});
    if ((packet.data()[1] & 0x80) != 0) ++markers;
    ASSERT_EQ(out.units.size(), markers);
  }
}

TEST_F(DepayloaderTest, H264WithBFramesKeepsThePresentationTimes) {
  const std::string path = MakeClip(folder_, "b", kH264WithB, "");
  ExpectSame(Depay(PayH264(path)).units, Packets(path), 90'000, 12'800);
}

TEST_F(DepayloaderTest, H265UnitsAndTimesAreTheSources) {
  const std::string path = MakeClip(folder_, "h", kH265, "");
  const Collected out = Depay(PayH265(path));
  ExpectSame(out.units, Packets(path), 90'000, 12'800);
  ASSERT_EQ(out.configs.size(), 1u);
  EXPECT_EQ(out.configs[0].width, 320u);
  EXPECT_EQ(out.configs[0].height, 180u);
  EXPECT_EQ(out.configs[0].CodecString().substr(0, 8), "hvc1.1.6");
}

TEST_F(DepayloaderTest, AacComesRawWithItsConfigurationFromBothPackings) {
  const std::string path = MakeClip(folder_, "c", "", kAac);
  for (const RtpClip& clip : {PayAac(path), PayLatm(path)}) {
    SCOPED_TRACE(clip.format.encoding_name);
    const Collected out = Depay(clip);
    ExpectSame(out.units, Packets(path, "0:a:0"), 48'000, 48'000);
    ASSERT_EQ(out.configs.size(), 1u);
    EXPECT_EQ(out.configs[0].sample_rate, 48'000u);
    EXPECT_EQ(out.configs[0].channels, 2u);
    EXPECT_EQ(out.configs[0].CodecString(), "mp4a.40.2");
    EXPECT_EQ(out.units[5].duration, 1024);
    EXPECT_TRUE(out.units[5].key);
  }
}

TEST_F(DepayloaderTest, AacConfigurationIsTheSameInBothPackings) {
  const std::string path = MakeClip(folder_, "c", "", kAac, "", 1);
  EXPECT_EQ(Depay(PayAac(path)).configs.at(0), Depay(PayLatm(path)).configs.at(0));
}

TEST_F(DepayloaderTest, LatmUnitsAfterAGapAreWhole) {
  const std::string path = MakeClip(folder_, "c", "", kAac, "", 1);
  const RtpClip clip = PayLatm(path);
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (size_t i = 0; i < clip.packets.size(); ++i) {
    if (i != 10) depayloader->Push(clip.packets[i], TimestampOf(clip.packets[i]), i == 11, {});
  }
  std::vector<ClipPacket> source = Packets(path, "0:a:0");
  source.erase(source.begin() + 10);
  ExpectSame(out.units, source, 48'000, 48'000);
  for (size_t i = 0; i < out.units.size(); ++i) EXPECT_EQ(out.units[i].damaged, i == 10) << i;
}

TEST_F(DepayloaderTest, ParameterSetsInTheSdpAloneAreEnough) {
  const RtpClip clip =
      PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1), "config-interval=0 mtu=1200");
  EXPECT_EQ(Depay(clip).units.size(), 25u);
}

TEST_F(DepayloaderTest, ParameterSetsInTheStreamAloneAreEnough) {
  RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  std::erase_if(clip.format.fmtp,
                [](const auto& entry) { return entry.first == "sprop-parameter-sets"; });
  const Collected out = Depay(clip);
  EXPECT_EQ(out.units.size(), 25u);
  EXPECT_EQ(out.configs.size(), 1u);
}

TEST_F(DepayloaderTest, NewParameterSetsAreAnnouncedBeforeTheUnitThatNeedsThem) {
  const RtpClip small = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  const RtpClip large = PayH264(MakeClip(folder_, "b", kH264, "", "640x360", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(small.format, out);
  for (const Bytes& packet : small.packets)
    depayloader->Push(packet, TimestampOf(packet), false, {});
  // As a camera would go on: sequence numbers and times continue. The payloader starts both clips
  // alike.
  const auto first = static_cast<uint16_t>(7 + small.packets.size());
  for (size_t i = 0; i < large.packets.size(); ++i) {
    std::vector<uint8_t> bytes(large.packets[i].span().begin(), large.packets[i].span().end());
    const auto sequence = static_cast<uint16_t>(first + i);
    bytes[2] = static_cast<uint8_t>(sequence >> 8);
    bytes[3] = static_cast<uint8_t>(sequence);
    depayloader->Push(Bytes::From(std::move(bytes)), TimestampOf(large.packets[i]) + 90'000, false,
                      {});
  }
  ASSERT_EQ(out.configs.size(), 2u);
  EXPECT_EQ(out.configs[1].width, 640u);
  EXPECT_EQ(out.units_at_config[1], 25u);
  EXPECT_EQ(out.units.size(), 50u);
}

TEST_F(DepayloaderTest, APictureOfWhichTooLittleArrivedDamagesTheNextUnitAlone) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "640x360", 1));
  // A packet from the middle of the first picture: its only slice cannot be put together.
  size_t lost = 0;
  while ((clip.packets[lost].data()[1] & 0x80) != 0 || lost < 4) ++lost;
  const int64_t hit = TimestampOf(clip.packets[lost]);
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (size_t i = 0; i < clip.packets.size(); ++i) {
    if (i != lost)
      depayloader->Push(clip.packets[i], TimestampOf(clip.packets[i]), i == lost + 1, {});
  }
  ASSERT_EQ(out.units.size(), 24u);
  for (const AccessUnit& unit : out.units)
    EXPECT_EQ(unit.damaged, unit.pts == hit + 3600) << unit.pts - hit;
}

TEST_F(DepayloaderTest, AUnitThatLostOneOfItsSlicesIsDamagedAndItsNeighboursAreNot) {
  const RtpClip clip =
      PayH264(MakeClip(folder_, "a", std::string(kH264) + " -slices 4", "", "640x360", 1));
  size_t first = 0;
  while ((clip.packets[first].data()[1] & 0x80) == 0) ++first;
  const size_t lost = first + 2;
  const int64_t hit = TimestampOf(clip.packets[lost]);
  ASSERT_EQ(hit, TimestampOf(clip.packets[lost + 1]));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (size_t i = 0; i < clip.packets.size(); ++i) {
    if (i != lost)
      depayloader->Push(clip.packets[i], TimestampOf(clip.packets[i]), i == lost + 1, {});
  }
  ASSERT_EQ(out.units.size(), 25u);
  for (const AccessUnit& unit : out.units)
    EXPECT_EQ(unit.damaged, unit.pts == hit) << unit.pts - hit;
}

TEST_F(DepayloaderTest, AUnitWhoseEndWasLostIsDamaged) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "640x360", 1));
  size_t last = 0;
  while ((clip.packets[last].data()[1] & 0x80) == 0) ++last;
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (size_t i = 0; i < clip.packets.size(); ++i) {
    if (i != last)
      depayloader->Push(clip.packets[i], TimestampOf(clip.packets[i]), i == last + 1, {});
  }
  ASSERT_GE(out.units.size(), 24u);
  size_t damaged = 0;
  for (const AccessUnit& unit : out.units) damaged += unit.damaged ? 1 : 0;
  EXPECT_GE(damaged, 1u);
  EXPECT_LE(damaged, 2u);
  EXPECT_FALSE(out.units.back().damaged);
}

TEST_F(DepayloaderTest, ReceivedIsTheTimeOfTheFirstPacket) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "640x360", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  std::map<int64_t, int64_t> first_seen;
  for (size_t i = 0; i < clip.packets.size(); ++i) {
    const int64_t timestamp = TimestampOf(clip.packets[i]);
    first_seen.emplace(timestamp, static_cast<int64_t>(i));
    depayloader->Push(clip.packets[i], timestamp, false, ServerTimeFromMs(static_cast<int64_t>(i)));
  }
  for (const AccessUnit& unit : out.units) EXPECT_EQ(ToMs(unit.received), first_seen.at(unit.pts));
}

TEST_F(DepayloaderTest, ReceivedGoesOnWhereTimeStampsDoNot) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "640x360", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  std::vector<int64_t> first_packets;
  bool begins = true;
  for (size_t i = 0; i < clip.packets.size(); ++i) {
    if (begins) first_packets.push_back(static_cast<int64_t>(i));
    begins = (clip.packets[i].data()[1] & 0x80) != 0;
    depayloader->Push(clip.packets[i], 0, false, ServerTimeFromMs(static_cast<int64_t>(i)));
  }
  depayloader->Flush();
  ASSERT_EQ(out.units.size(), first_packets.size());
  for (size_t n = 0; n < out.units.size(); ++n)
    EXPECT_NEAR(ToMs(out.units[n].received), first_packets[n], 1) << "unit " << n;
}

TEST_F(DepayloaderTest, NothingKeepsThePacketsAlive) {
  const std::string path = MakeClip(folder_, "a", kH264WithB, kAac, "320x180", 1);
  for (const RtpClip& clip : {PayH264(path), PayAac(path), PayLatm(path)}) {
    Collected out;
    std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
    for (const Bytes& packet : clip.packets)
      depayloader->Push(packet, TimestampOf(packet), false, {});
    depayloader.reset();
    out = {};
    for (const Bytes& packet : clip.packets) EXPECT_EQ(packet.owner().use_count(), 1);
  }
}

// Cameras come and go for months: a chain that stayed would cost 65 KB each time.
TEST_F(DepayloaderTest, NothingOfADepayloaderStays) {
  const RtpClip clip = PayH264(MakeClip(folder_, "c", kH264, "", "320x240", 0.4));
  // GStreamer's registries, types and caches grow with the first ones. Not under sanitizers: their
  // allocator does not say.
  for (int i = 0; i < 10; ++i) Depay(clip);
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 40; ++i) Depay(clip);
  EXPECT_LT(mallinfo2().uordblks, before + 400'000);
}

TEST_F(DepayloaderTest, UnitsOutliveTheDepayloader) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  Collected out;
  std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (const Bytes& packet : clip.packets)
    depayloader->Push(packet, TimestampOf(packet), false, {});
  depayloader.reset();
  size_t sum = 0;
  for (const AccessUnit& unit : out.units) {
    for (const uint8_t byte : unit.data.span()) sum += byte;
  }
  EXPECT_GT(sum, 0u);
}

TEST_F(DepayloaderTest, GarbageIsCountedAndTheStreamGoesOn) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  depayloader->Push(Bytes::Copy(std::string_view("x")), 0, false, {});
  depayloader->Push(Bytes::Copy(std::string(40, '\0')), 0, false, {});
  EXPECT_GT(depayloader->errors(), 0u);
  EXPECT_FALSE(depayloader->last_error().empty());
  for (const Bytes& packet : clip.packets)
    depayloader->Push(packet, TimestampOf(packet), false, {});
  EXPECT_EQ(out.units.size(), 25u);
}

TEST_F(DepayloaderTest, AFlushedDepayloaderStartsAfresh) {
  const RtpClip clip = PayH264(MakeClip(folder_, "a", kH264, "", "320x180", 1));
  Collected out;
  const std::unique_ptr<Depayloader> depayloader = Make(clip.format, out);
  for (int round = 0; round < 3; ++round) {
    for (const Bytes& packet : clip.packets)
      depayloader->Push(packet, TimestampOf(packet), false, {});
    depayloader->Flush();
  }
  EXPECT_EQ(out.units.size(), 75u);
  EXPECT_EQ(out.configs.size(), 1u);
  EXPECT_EQ(depayloader->errors(), 0u) << depayloader->last_error();
}

TEST(DepayloaderFormats, OthersAreRefusedByName) {
  RtpFormat format;
  for (const char* name : {"L16", "VP8", "JPEG", "G726-32", ""}) {
    format.encoding_name = name;
    const Status status = CheckSupported(format);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kUnsupported);
    EXPECT_NE(status.error().message().find(name), std::string::npos);
  }
  format.encoding_name = "MP4A-LATM";
  EXPECT_FALSE(CheckSupported(format).ok()) << "without config";
  format.encoding_name = "OPUS";
  format.clock_rate = 44'100;
  EXPECT_FALSE(CheckSupported(format).ok());
  format.encoding_name = "H264";
  format.clock_rate = 48'000;
  EXPECT_FALSE(CheckSupported(format).ok());
}

TEST(DepayloaderFormats, BrokenParametersNeverBreakMore) {
  for (const char* value : {"", "!!!!", "AAAA,", "Z0IAKQ==", ",,,,", "\xff\xfe"}) {
    RtpFormat format;
    format.encoding_name = "H264";
    format.fmtp = {{"sprop-parameter-sets", value}, {"a b", "c"}, {"packetization-mode", value}};
    Collected out;
    const Result<std::unique_ptr<Depayloader>> made = Depayloader::Make(format, 1, out.Callbacks());
    if (made.ok()) (*made)->Push(Bytes::Copy(std::string(40, '\x80')), 0, false, {});
  }
}

}  // namespace
}  // namespace penstock::fragmenter::gst
