#include "server/config/units.h"

namespace penstock::server {
namespace {

using std::chrono::milliseconds;

TEST(UnitsTest, DurationsAreANumberAndAUnit) {
  const std::pair<const char*, int64_t> cases[] = {
      {"0", 0},        {"500ms", 500},      {"10s", 10'000},
      {"5m", 300'000}, {"24h", 86'400'000}, {"7d", 604'800'000}};
  for (const auto& [text, ms] : cases) {
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->count(), ms) << text;
  }
}

TEST(UnitsTest, WhatIsNoDurationIsRefusedWithAnExample) {
  for (const char* text : {"", "10", "s", "-1s", "1.5h", "1 parsec", "99999999999999999999s",
                           "9223372036854775807d"}) {
    const auto parsed = ParseDuration(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message(), testing::HasSubstr("24h")) << text;
  }
}

TEST(UnitsTest, FormattedDurationsReadBackAsTheSame) {
  for (const int64_t ms :
       {0ll, 1ll, 999ll, 1000ll, 90'000ll, 60'000ll, 86'400'000ll, 604'800'000ll}) {
    const std::string text = FormatDuration(milliseconds(ms));
    const auto parsed = ParseDuration(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->count(), ms) << text;
  }
  EXPECT_EQ(FormatDuration(milliseconds(86'400'000)), "24h");
}

TEST(UnitsTest, SizesKnowBothFamiliesOfUnits) {
  EXPECT_EQ(*ParseByteSize("4096"), 4096u);
  EXPECT_EQ(*ParseByteSize("16MB"), 16'000'000u);
  EXPECT_EQ(*ParseByteSize("1 GiB"), uint64_t{1} << 30);
  for (const char* text : {"", "MB", "1.5GB", "1gb", "-1", "18446744073709551615KB"}) {
    EXPECT_FALSE(ParseByteSize(text).ok()) << text;
  }
}

TEST(UnitsTest, SizesAreShownWithTwoOrThreeDigits) {
  EXPECT_EQ(FormatByteSize(0), "0 B");
  EXPECT_EQ(FormatByteSize(999), "999 B");
  EXPECT_EQ(FormatByteSize(1500), "1.5 kB");
  EXPECT_EQ(FormatByteSize(64'000'000), "64 MB");
  EXPECT_EQ(FormatByteSize(999'999), "1.0 MB");
}

TEST(UnitsTest, SharesArePercentOrFractions) {
  EXPECT_DOUBLE_EQ(*ParseShare("95%"), 0.95);
  EXPECT_DOUBLE_EQ(*ParseShare("0.5"), 0.5);
  for (const char* text : {"", "%", "nan", "inf", "95 %", "x"})
    EXPECT_FALSE(ParseShare(text).ok()) << text;
}

TEST(UnitsTest, ListenAddressesMayOmitTheHostOrBeOff) {
  EXPECT_EQ(**ParseListen("127.0.0.1:8080"), (HostPort{"127.0.0.1", 8080}));
  EXPECT_EQ(**ParseListen("8080"), (HostPort{"0.0.0.0", 8080}));
  EXPECT_EQ(**ParseListen(":8080"), (HostPort{"0.0.0.0", 8080}));
  EXPECT_EQ(**ParseListen("*:1"), (HostPort{"0.0.0.0", 1}));
  EXPECT_EQ(**ParseListen("[::1]:0"), (HostPort{"::1", 0}));
  EXPECT_FALSE(ParseListen("off")->has_value());
  for (const char* text : {"", "localhost", "1.2.3.4:", "1.2.3.4:65536", "::1:80", "h:-1"}) {
    EXPECT_FALSE(ParseListen(text).ok()) << text;
  }
}

}  // namespace
}  // namespace penstock::server
