#include "base/time.h"

namespace penstock {
namespace {

TEST(TimeTest, Rfc3339RoundTripsInMilliseconds) {
  const ServerTime t = ServerTimeFromMs(1768478400123);
  EXPECT_EQ(FormatRfc3339(t), "2026-01-15T12:00:00.123Z");
  EXPECT_EQ(ParseTime("2026-01-15T12:00:00.123Z").value(), t);
  EXPECT_EQ(ParseTime("2026-01-15T13:30:00.123456+01:30").value(), t);
  EXPECT_EQ(ParseTime("1768478400123").value(), t);
}

TEST(TimeTest, NonsenseIsRefusedWithAHint) {
  for (const char* text : {"", "yesterday", "2026-02-30T00:00:00Z", "2026-01-15T25:00:00Z",
                           "2026-01-15", "-5", "2026-01-15T12:00:00", "99999999999999999"}) {
    const auto parsed = ParseTime(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message(), ::testing::HasSubstr("RFC 3339"));
  }
}

}  // namespace
}  // namespace penstock
