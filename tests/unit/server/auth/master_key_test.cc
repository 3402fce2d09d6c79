#include "server/auth/master_key.h"

#include <fstream>

#include <sys/stat.h>

#include "server/auth/hex.h"
#include "tests/testing/temp_dir.h"

namespace penstock::server {
namespace {

TEST(MasterKeyTest, WhatWasSealedUnsealsWithTheSameKeyAndContextOnly) {
  const MasterKey key(std::array<uint8_t, 32>{7});
  const std::string sealed = key.Seal("secret", "alice");
  EXPECT_EQ(key.Unseal(sealed, "alice").value(), "secret");
  EXPECT_FALSE(key.Unseal(sealed, "bob").ok());
  EXPECT_FALSE(MasterKey(std::array<uint8_t, 32>{8}).Unseal(sealed, "alice").ok());
  EXPECT_NE(key.Seal("secret", "alice"), sealed) << "each sealing has its own nonce";
}

TEST(MasterKeyTest, AnyChangedOrMissingByteIsNoticed) {
  const MasterKey key(std::array<uint8_t, 32>{7});
  const std::string sealed = key.Seal("secret", "alice");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(key.Unseal(changed, "alice").error().code(), ErrorCode::kCorruption) << i;
    EXPECT_FALSE(key.Unseal(sealed.substr(0, i), "alice").ok()) << i;
  }
}

TEST(MasterKeyTest, TheFileIsMadeOnceForItsOwnerAlone) {
  const testing::TempDir dir;
  const auto file = dir.path() / "master.key";
  const auto first = MasterKey::OpenOrCreate(file);
  ASSERT_TRUE(first.ok()) << first.error().message();
  struct stat info {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  const auto second = MasterKey::OpenOrCreate(file);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->Unseal(first->Seal("x", "c"), "c").value(), "x");
}

TEST(MasterKeyTest, AFileThatOthersMayReadIsRefused) {
  const testing::TempDir dir;
  const auto file = dir.path() / "master.key";
  ASSERT_TRUE(MasterKey::OpenOrCreate(file).ok());
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  const auto opened = MasterKey::OpenOrCreate(file);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kForbidden);
}

TEST(MasterKeyTest, AFileThatHoldsSomethingElseIsNotOverwritten) {
  const testing::TempDir dir;
  const auto file = dir.path() / "master.key";
  std::ofstream(file) << "shopping list";
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  const auto opened = MasterKey::OpenOrCreate(file);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
}

TEST(HexTest, HexAndBase64) {
  EXPECT_EQ(ToHex(AsBytes("\x01\xaf")), "01af");
  EXPECT_EQ(FromHex("01AF").value(), "\x01\xaf");
  EXPECT_FALSE(FromHex("0").has_value());
  EXPECT_FALSE(FromHex("0g").has_value());
  EXPECT_EQ(FromBase64("dTpw").value(), "u:p");
  EXPECT_EQ(FromBase64("dTpwYQ==").value(), "u:pa");
  EXPECT_EQ(FromBase64("").value(), "");
  for (const char* text : {"d", "dTpw!", "====", "dTp\xff"})
    EXPECT_FALSE(FromBase64(text).has_value()) << text;
}

}  // namespace
}  // namespace penstock::server
