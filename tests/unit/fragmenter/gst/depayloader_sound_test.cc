// Sound whose configuration is not in the session description.
#include <gtest/gtest.h>

#include "base/byte_io.h"
#include "fragmenter/codec/opus.h"
#include "fragmenter/gst/depayloader.h"

namespace penstock::fragmenter::gst {
namespace {

struct Collected {
  std::vector<TrackConfig> configs;
  std::vector<AccessUnit> units;
};

// RTP packets one unit long each, whose payloads are these.
Collected DepayUnits(std::string_view encoding, uint32_t clock_rate,
                     const std::vector<std::string>& payloads) {
  RtpFormat format;
  format.encoding_name = encoding;
  format.payload_type = 97;
  format.clock_rate = clock_rate;
  Collected out;
  auto made =
      Depayloader::Make(format, 1,
                        {[&out](TrackConfig config) { out.configs.push_back(std::move(config)); },
                         [&out](AccessUnit unit) { out.units.push_back(std::move(unit)); }});
  if (!made.ok()) {
    ADD_FAILURE() << made.error().ToString();
    return out;
  }
  const std::unique_ptr<Depayloader> depayloader = std::move(made).value();
  for (size_t i = 0; i < payloads.size(); ++i) {
    ByteWriter packet;
    packet.Be<uint8_t>(0x80);
    packet.Be<uint8_t>(0x80 | 97);
    packet.Be(static_cast<uint16_t>(i));
    packet.Be(static_cast<uint32_t>(i * 960));
    packet.Be<uint32_t>(1);
    packet.Text(payloads[i]);
    depayloader->Push(packet.Take(), static_cast<int64_t>(i) * 960, false, {});
  }
  EXPECT_EQ(depayloader->errors(), 0u) << depayloader->last_error();
  return out;
}

TEST(DepayloaderSound, OpusSaysHowLongAPacketIsAndOneOfTwoChannelsHowMany) {
  const Collected out = DepayUnits("OPUS", 48'000, {"\xfcxyz", "\xf8xyz", "\xfdxyz"});
  ASSERT_EQ(out.units.size(), 3u);
  EXPECT_EQ(out.units[0].duration, 960);
  EXPECT_EQ(out.units[2].duration, 1920) << "two frames of 20 ms";
  EXPECT_EQ(out.units[2].pts - out.units[0].pts, 1920);
  ASSERT_EQ(out.configs.size(), 1u);
  EXPECT_EQ(out.configs[0].codec, Codec::kOpus);
  EXPECT_EQ(out.configs[0].channels, 2u);
  EXPECT_EQ(out.configs[0].sample_rate, 48'000u);
  EXPECT_TRUE(ParseOpusHead(out.configs[0].codec_private).ok());
}

TEST(DepayloaderSound, G711IsASampleAByte) {
  const Collected out = DepayUnits("PCMA", 8000, {std::string(960, 'a'), std::string(400, 'b')});
  ASSERT_EQ(out.units.size(), 2u);
  EXPECT_EQ(out.units[0].duration, 960);
  EXPECT_EQ(out.units[1].duration, 400);
  EXPECT_EQ(out.units[1].data.text(), std::string(400, 'b'));
  ASSERT_EQ(out.configs.size(), 1u);
  EXPECT_EQ(out.configs[0].codec, Codec::kPcma);
  EXPECT_EQ(out.configs[0].channels, 1u);
}

}  // namespace
}  // namespace penstock::fragmenter::gst
