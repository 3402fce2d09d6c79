#include "server/operations/video/producer_start.h"

#include <gtest/gtest.h>

namespace penstock::server::aws::video {
namespace {

int64_t Read(std::string_view text, bool short_is_ms = false) {
  const auto time = ParseProducerStart(text, short_is_ms);
  return time.ok() ? *time : -1;
}

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'768'478'400 * kSecond;

TEST(ProducerStartTest, IsReadInEverySpelling) {
  EXPECT_EQ(Read("1768478400"), kStart);
  EXPECT_EQ(Read("1768478400.005"), kStart + 5'000'000);
  EXPECT_EQ(Read("1768478400.123456"), kStart + 123'456'000);
  EXPECT_EQ(Read("1768478400.1234567891"), kStart + 123'456'789);
  EXPECT_EQ(Read("2026-01-15T12:00:00.005Z"), kStart + 5'000'000);
  EXPECT_EQ(Read("2026-01-15T12:00:00Z"), kStart);
  EXPECT_EQ(Read("0"), 0);
}

TEST(ProducerStartTest, FewDecimalsAreDecimalsUnlessTheyAreSaidToCountMilliseconds) {
  EXPECT_EQ(Read("1768478400.5"), kStart + 500'000'000);
  EXPECT_EQ(Read("1768478400.5", true), kStart + 5'000'000);
  EXPECT_EQ(Read("1768478400.50", true), kStart + 50'000'000);
  EXPECT_EQ(Read("1768478400.500", true), kStart + 500'000'000);
}

TEST(ProducerStartTest, AnythingElseIsRefused) {
  for (const char* text : {"", ".", "noon", "-1", "1768478400.", "1768478400.x", "1768478400.-1",
                           "1768478400.123456789x", "99999999999", "99999999999999999999",
                           "2026-01-15T", "9999-01-15T12:00:00Z", "1 "}) {
    EXPECT_EQ(Read(text), -1) << text;
  }
}

}  // namespace
}  // namespace penstock::server::aws::video
