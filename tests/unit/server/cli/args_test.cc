#include "server/cli/args.h"

#include "server/cli/table.h"

namespace penstock::server {
namespace {

using testing::HasSubstr;

ArgSpec Spec() { return ArgSpec{{"--data", "--start", "-o"}, {"--json"}, 1, 2}; }

std::string Refusal(std::vector<std::string> words) {
  const auto args = Args::Parse(words, Spec());
  return args.ok() ? "accepted" : args.error().message();
}

TEST(ArgsTest, FlagsAndOperandsMayStandInAnyOrder) {
  const auto args =
      Args::Parse({"--data", "d", "cam", "-o", "-", "--json", "--start=-10m"}, Spec());
  ASSERT_TRUE(args.ok()) << args.error().message();
  EXPECT_THAT(args->positional(), testing::ElementsAre("cam"));
  EXPECT_EQ(args->Flag("--data"), "d");
  EXPECT_EQ(args->Flag("-o"), "-");
  EXPECT_EQ(args->Flag("--start"), "-10m");
  EXPECT_TRUE(args->Switch("--json"));
  EXPECT_FALSE(args->Flag("--end").has_value());
}

TEST(ArgsTest, AValueMayBeginWithADash) {
  EXPECT_EQ(Args::Parse({"cam", "--start", "-10m"}, Spec())->Flag("--start"), "-10m");
}

TEST(ArgsTest, TheLastOfTwoEqualFlagsWins) {
  EXPECT_EQ(Args::Parse({"cam", "--data=a", "--data=b"}, Spec())->Flag("--data"), "b");
}

TEST(ArgsTest, WordsAfterTwoDashesAreOperands) {
  EXPECT_THAT(Args::Parse({"--", "--json", "-x"}, Spec())->positional(),
              testing::ElementsAre("--json", "-x"));
}

TEST(ArgsTest, WhatIsWrongIsSaidInWords) {
  EXPECT_THAT(Refusal({"cam", "--strat", "1"}), HasSubstr("did you mean --start?"));
  EXPECT_THAT(Refusal({"cam", "--data"}), HasSubstr("--data wants a value"));
  EXPECT_THAT(Refusal({"cam", "--json=1"}), HasSubstr("--json takes no value"));
  EXPECT_THAT(Refusal({}), HasSubstr("missing"));
  EXPECT_THAT(Refusal({"a", "b", "c"}), HasSubstr("'c' is one word too many"));
}

TEST(TableTest, ColumnsAlignByCharactersAndLinesDoNotTrailSpaces) {
  EXPECT_EQ(FormatTable({{"A", "LONG", "Z"}, {"Tür", "x", ""}, {"b", "yy", "end"}}),
            "A    LONG  Z\n"
            "Tür  x\n"
            "b    yy    end\n");
}

TEST(TableTest, SpansAndRatesKeepTheDigitsThatMatter) {
  EXPECT_EQ(FormatSpan(-5), "0 s");
  EXPECT_EQ(FormatSpan(119'000), "119 s");
  EXPECT_EQ(FormatSpan(120'000), "2 min");
  EXPECT_EQ(FormatSpan(7'200'000), "2 h");
  EXPECT_EQ(FormatSpan(int64_t{72} * 3'600'000), "3 d");
  EXPECT_EQ(FormatBitrate(0), "-");
  EXPECT_EQ(FormatBitrate(64'000), "64 kbit/s");
  EXPECT_EQ(FormatBitrate(2'130'000), "2.1 Mbit/s");
}

}  // namespace
}  // namespace penstock::server
