#include "base/ids.h"

namespace penstock {
namespace {

TEST(FragmentNumberTest, TextFormHasTheDocumentedComposition) {
  const FragmentNumber captured{.index = 1, .server_ms = 1511852109126, .salt = 0xfeeef70};
  EXPECT_EQ(captured.ToString(), "91343852333181432392682062607743920146159169392");
  const FragmentNumber second{.index = 2, .server_ms = 1768478404123, .salt = 0x1234567};
  EXPECT_EQ(second.ToString(), "91343852333181432397633822833773037764617651559");
}

TEST(FragmentNumberTest, ParseIsTheInverseOfToString) {
  for (const uint64_t index : {uint64_t{1}, uint64_t{77} << 40 | 5, (uint64_t{1} << 60) - 1}) {
    const FragmentNumber number{.index = index, .server_ms = 1768478402123, .salt = 0xabcdef1};
    const auto parsed = FragmentNumber::Parse(number.ToString());
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->index, index);
    EXPECT_EQ(parsed->server_ms, number.server_ms);
    EXPECT_EQ(parsed->salt, number.salt);
    EXPECT_EQ(number.ToString().size(), 47u);
  }
}

TEST(FragmentNumberTest, RefusesWhatIsNotANumberOfOurs) {
  for (const char* text : {"", "1", "99999999999999999999999999999999999999999999999",
                           "9134385233318143239268206260774392014615916939x",
                           "913438523331814323926820626077439201461591693920"}) {
    EXPECT_FALSE(FragmentNumber::Parse(text).ok()) << text;
  }
}

TEST(StreamNameTest, FollowsTheModelsPattern) {
  EXPECT_TRUE(StreamName::Parse("front-door_1.main").ok());
  for (const std::string& bad :
       {std::string(), std::string("a/b"), std::string("a b"), std::string(257, 'a')}) {
    EXPECT_EQ(StreamName::Parse(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(ShardIdTest, TextRoundTrips) {
  const ShardId id = ShardId::Random();
  EXPECT_EQ(ShardId::Parse(id.ToString()).value(), id);
  EXPECT_FALSE(ShardId::Parse("xyz").ok());
}

}  // namespace
}  // namespace penstock
