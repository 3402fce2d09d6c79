#include "server/cli/command.h"

#include <set>

namespace penstock::server {
namespace {

TEST(CommandTest, TimesMayBeRelative) {
  const ServerTime now = ServerTimeFromMs(1'000'000);
  EXPECT_EQ(*TimeForQuery("now", now), "1000000");
  EXPECT_EQ(*TimeForQuery("-10s", now), "990000");
  EXPECT_EQ(*TimeForQuery("1970-01-01T00:00:01Z", now), "1000");
  EXPECT_EQ(*TimeForQuery("77", now), "77");
  for (const char* text : {"", "-", "-10", "yesterday", "10m"})
    EXPECT_FALSE(TimeForQuery(text, now).ok()) << text;
}

TEST(CommandTest, EveryCommandHasItsOwnNameAndASummary) {
  std::set<std::string_view> names;
  for (const Command& command : Commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_LE(command.spec.positional_min, command.spec.positional_max) << command.name;
    // Help ends its paragraphs, so that what follows starts on a line of its own.
    if (!command.help.empty()) {
      EXPECT_EQ(command.help.back(), '\n') << command.name;
    }
  }
}

}  // namespace
}  // namespace penstock::server
