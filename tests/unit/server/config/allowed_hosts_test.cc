#include "server/config/allowed_hosts.h"

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

AllowedHosts Of(std::string_view text) { return AllowedHosts::Parse(text).value(); }

TEST(AllowedHostsTest, EveryHostIsEveryHostButWhereCloudsKeepSecrets) {
  const AllowedHosts any = Of("*");
  EXPECT_TRUE(any.Allows("hooks.example.org", "93.184.216.34"));
  EXPECT_TRUE(any.Allows("127.0.0.1", "127.0.0.1"));
  EXPECT_TRUE(any.Allows("nas", "192.168.1.9"));
  EXPECT_TRUE(any.Allows("nas", "fd12::9"));
  for (const char* address : {"169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
                              "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
                              "255.255.255.255", "fd00:ec2::254"}) {
    EXPECT_FALSE(any.Allows("innocent.example.org", address)) << address;
    EXPECT_FALSE(any.MayAllow(address)) << address;
  }
  EXPECT_TRUE(Of("* 169.254.0.0/16").Allows("x", "169.254.169.254")) << "listed itself";
  EXPECT_FALSE(any.Allows("x", "no address")) << "what cannot be judged";
}

TEST(AllowedHostsTest, NamesAreJudgedAsTheyAreWrittenAddressesWhereTheyLead) {
  const AllowedHosts some = Of("Hooks.example.org, *.example.net 10.1.0.0/16 [::1] 192.0.2.7");
  EXPECT_TRUE(some.Allows("hooks.EXAMPLE.org", "93.184.216.34"));
  EXPECT_TRUE(some.Allows("a.example.net", "93.184.216.34"));
  EXPECT_FALSE(some.Allows("example.net", "93.184.216.34"));
  EXPECT_FALSE(some.Allows("evilexample.net", "93.184.216.34"));
  EXPECT_FALSE(some.Allows("x.hooks.example.org", "93.184.216.34"));
  EXPECT_TRUE(some.Allows("inside", "10.1.255.1"));
  EXPECT_FALSE(some.Allows("inside", "10.2.0.1"));
  EXPECT_TRUE(some.Allows("localhost", "::1"));
  EXPECT_TRUE(some.Allows("x", "192.0.2.7"));
  EXPECT_FALSE(some.Allows("x", "192.0.2.8"));
  EXPECT_TRUE(some.MayAllow("anything")) << "it may lead to a listed network";
  EXPECT_FALSE(some.MayAllow("10.2.0.1"));
  EXPECT_FALSE(Of("hooks.example.org").MayAllow("other.example.org"));
  EXPECT_FALSE(Of("").MayAllow("hooks.example.org"));
}

TEST(AllowedHostsTest, WordsThatAreNoneOfTheseAreNamed) {
  for (const char* word : {"http://x", "10.0.0.0/33", "::/129", "10.0.0.0/", "a*b", "*.", "x:80"}) {
    const auto parsed = AllowedHosts::Parse("* " + std::string(word));
    ASSERT_FALSE(parsed.ok()) << word;
    EXPECT_NE(parsed.error().message().find(word), std::string::npos) << parsed.error().message();
  }
}

}  // namespace
}  // namespace penstock::server
