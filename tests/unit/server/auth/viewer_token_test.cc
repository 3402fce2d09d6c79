#include "server/auth/viewer_token.h"

#include <set>

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const ServerTime kNow = ServerTimeFromMs(1'768'478'400'000);
const ServerTime kExpires = kNow + hours(1);

ShardId Shard(uint8_t first) { return ShardId::FromBytes(std::array<uint8_t, 16>{first}); }

class ViewerTokenTest : public testing::Test {
 protected:
  // "until <ms from kNow>", or what is wrong.
  static std::string Ask(const ViewerTokens& tokens, std::string_view text, ServerTime now,
                         const char* stream = "door", uint8_t shard = 7) {
    const auto checked = tokens.Check(text, *StreamName::Parse(stream), Shard(shard), now);
    if (const auto* fault = std::get_if<TokenFault>(&checked)) {
      EXPECT_FALSE(fault->message.empty());
      return fault->kind == TokenFault::kExpired ? "expired" : "invalid";
    }
    return "until " + std::to_string(ToMs(std::get<ServerTime>(checked)) - ToMs(kNow));
  }
  std::string Ask(std::string_view text, ServerTime now = kNow) const {
    return Ask(tokens_, text, now);
  }

  const ViewerTokens tokens_{MasterKey(std::array<uint8_t, 32>{1})};
  const std::string token_ = tokens_.Make(*StreamName::Parse("door"), Shard(7), kExpires);
};

TEST_F(ViewerTokenTest, ItOpensItsStreamUntilTheSecondInWhichItEnds) {
  EXPECT_EQ(Ask(token_), "until 3600000");
  EXPECT_EQ(Ask(token_, kExpires - milliseconds(1)), "until 3600000");
  EXPECT_EQ(Ask(token_, kExpires), "expired");
  EXPECT_EQ(Ask(token_, kExpires + hours(10'000)), "expired");
}

TEST_F(ViewerTokenTest, NoOtherStreamIsOpenedNorAnotherLifeOfItsOwn) {
  EXPECT_EQ(Ask(tokens_, token_, kNow, "yard"), "invalid");
  EXPECT_EQ(Ask(tokens_, token_, kNow, "doo"), "invalid");
  EXPECT_EQ(Ask(tokens_, token_, kNow, "door2"), "invalid");
  EXPECT_EQ(Ask(tokens_, token_, kNow, "door", 8), "invalid") << "deleted and made again";
}

TEST_F(ViewerTokenTest, AnotherMasterKeyKnowsNothingOfIt) {
  const ViewerTokens others(MasterKey(std::array<uint8_t, 32>{2}));
  EXPECT_EQ(Ask(others, token_, kNow), "invalid");
  // What is sealed and what is signed are under different keys.
  const MasterKey master(std::array<uint8_t, 32>{1});
  EXPECT_NE(master.Derive("penstock viewer token v1"), master.Derive("penstock viewer token v2"));
  EXPECT_NE(master.Derive("penstock viewer token v1"),
            MasterKey(std::array<uint8_t, 32>{2}).Derive("penstock viewer token v1"));
}

TEST_F(ViewerTokenTest, AnyChangedCharacterMakesItWorthlessWithoutAHintWhich) {
  for (size_t i = 0; i < token_.size(); ++i) {
    for (const char c : std::string_view("AZaz09-_.%/+ \0", 14)) {
      if (token_[i] == c) continue;
      std::string changed = token_;
      changed[i] = c;
      EXPECT_EQ(Ask(changed), "invalid") << changed;
      EXPECT_EQ(Ask(changed, kExpires), "invalid") << "that it has ended is for genuine ones";
    }
    EXPECT_EQ(Ask(token_.substr(0, i)), "invalid") << i;
  }
  EXPECT_EQ(Ask(token_ + "A"), "invalid");
  EXPECT_EQ(Ask(token_ + "="), "invalid");
}

TEST_F(ViewerTokenTest, AnyChangedBitOfItsBytesMakesItWorthless) {
  const ViewerToken token = *ParseViewerToken(token_);
  for (int bit = 0; bit < 40; ++bit) {
    ViewerToken changed = token;
    changed.expires_seconds ^= uint64_t{1} << bit;
    EXPECT_EQ(Ask(FormatViewerToken(changed)), "invalid") << bit;
  }
  for (size_t bit = 0; bit < 128; ++bit) {
    ViewerToken changed = token;
    changed.mac[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_EQ(Ask(FormatViewerToken(changed)), "invalid") << bit;
  }
}

TEST_F(ViewerTokenTest, AClockThatIsSetBackProlongsItByThatAndNeverBeyondTheLongestOfAll) {
  EXPECT_EQ(Ask(token_, kNow - hours(1)), "until 3600000");
  EXPECT_EQ(Ask(token_, kExpires), "expired");
  EXPECT_EQ(Ask(token_, kNow), "until 3600000") << "nothing is remembered";
  // Made by a machine that began in the wrong year.
  EXPECT_EQ(Ask(token_, kNow - hours(24 * 365)), "expired");
  const std::string longest =
      tokens_.Make(*StreamName::Parse("door"), Shard(7), kNow + kViewerTokenTimeMax);
  EXPECT_NE(Ask(longest, kNow - seconds(1)), "expired") << "clocks are corrected all the time";
}

TEST_F(ViewerTokenTest, ItsTextIsShortSafeInAnAddressAndNeverAKeys) {
  EXPECT_EQ(token_.size(), kViewerTokenBytes);
  EXPECT_EQ(
      token_.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."),
      std::string::npos);
  EXPECT_TRUE(IsViewerToken(token_));
  EXPECT_TRUE(IsViewerToken("v1.")) << "cut off, and still no key";
  EXPECT_FALSE(IsViewerToken("abcdefghijkmnpqrstuvwxyz23456789"));
  EXPECT_EQ(FormatViewerToken(*ParseViewerToken(token_)), token_);
  std::set<std::string> all;
  for (int i = 0; i < 100; ++i)
    all.insert(tokens_.Make(*StreamName::Parse("door"), Shard(7), kExpires + seconds(i)));
  EXPECT_EQ(all.size(), 100u);
}

// Written out, so that tokens that are under way outlive an update of the server. By Python:
//   k = hmac.digest(bytes([1] + [0] * 31), b"penstock viewer token v1", "sha256")
//   e = (1768482000).to_bytes(5, "big")
//   m = hmac.digest(k, bytes([7] + [0] * 15) + e + b"door", "sha256")[:16]
//   "v1." + base64.urlsafe_b64encode(e + m).decode()
TEST_F(ViewerTokenTest, ItIsTheOneThatItsDefinitionGives) {
  EXPECT_EQ(token_, "v1.AGlo5NAjG9Cq6xs3ryEIH4CzTsnS");
}

TEST_F(ViewerTokenTest, TextsAreShownWithoutTheTokensInThem) {
  EXPECT_EQ(HideViewerTokens("a " + token_ + "/x " + token_), "a ***/x ***");
  EXPECT_EQ(HideViewerTokens("x" + token_ + "yz"), "x***") << "with whatever sticks to it";
  EXPECT_EQ(HideViewerTokens("v1.v1." + token_), "***");
  EXPECT_EQ(HideViewerTokens("v1.abcdefghijklmnopqrstuvwxyz" + token_ + "&"), "***&");
  EXPECT_EQ(HideViewerTokens("v1.mp4?v1.=v1.2"), "v1.mp4?v1.=v1.2");
  EXPECT_EQ(HideViewerTokens(""), "");
}

}  // namespace
}  // namespace penstock::server
