#include "server/auth/session_token.h"

#include <set>

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

const MasterKey kMaster(std::array<uint8_t, 32>{1});

TEST(SessionTokens, WhatWasSealedIsReadAgainAndFitsIntoAUrl) {
  const SessionTokens tokens(kMaster);
  const std::string text = "door, until four";
  const std::string token = tokens.Seal(text);
  EXPECT_EQ(tokens.Open(token), text);
  EXPECT_EQ(
      token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  // Nobody can look into it, nor tell that two are for the same.
  EXPECT_EQ(token.find("door"), std::string::npos);
  EXPECT_NE(tokens.Seal(text), token);
  EXPECT_EQ(SessionTokens(kMaster).Open(token), text);
}

TEST(SessionTokens, AnyChangeAndAnyOtherKeyOpensNothing) {
  const SessionTokens tokens(kMaster);
  const std::string token = tokens.Seal("door, until four");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character carries bits that are not used.
    const bool last = i + 1 == token.size();
    EXPECT_TRUE(last || !tokens.Open(changed).has_value()) << i;
  }
  for (size_t size = 0; size < token.size(); ++size)
    EXPECT_FALSE(tokens.Open(token.substr(0, size)).has_value()) << size;
  EXPECT_FALSE(tokens.Open(token + "AAAA").has_value());
  EXPECT_FALSE(tokens.Open(std::string(1 << 20, 'A')).has_value());
  EXPECT_FALSE(SessionTokens(MasterKey(std::array<uint8_t, 32>{2})).Open(token).has_value());
}

}  // namespace
}  // namespace penstock::server
