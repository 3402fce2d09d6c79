#include "server/outgoing/http_url.h"

#include <gtest/gtest.h>

namespace penstock::server {
namespace {

TEST(HttpUrlTest, PartsAreTakenApart) {
  const HttpUrl plain = HttpUrl::Parse("http://Hooks.example.org/a/b?c=d#e").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.host, "Hooks.example.org");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.target, "/a/b?c=d");
  EXPECT_EQ(plain.Authority(), "Hooks.example.org");
  const HttpUrl full = HttpUrl::Parse("HTTPS://me:p%40ss@[::1]:8443?x").value();
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(full.login, "me:p@ss");
  EXPECT_EQ(full.host, "::1");
  EXPECT_EQ(full.target, "/?x");
  EXPECT_EQ(full.Place(), "https://[::1]:8443") << "nothing secret";
  EXPECT_EQ(HttpUrl::Parse("https://x").value().port, 443);
  EXPECT_EQ(HttpUrl::Parse("https://x").value().target, "/");
}

TEST(HttpUrlTest, WhatCouldBeReadInTwoWaysIsRefusedWithoutRepeatingIt) {
  for (const char* text : {"ftp://x", "http://", "http:///secret", "http://x:0/", "http://x:65536/",
                           "http://x:secret/", "http://[::1/", "http://[::1]secret/",
                           "http://x/secret\r\nY: z", "http://x/a secret", "http://x\\@secret/",
                           "http://a b/", "http://me%zz@x/secret", "http://x:80:secret/"}) {
    const auto parsed = HttpUrl::Parse(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().message().find("secret"), std::string::npos);
  }
  EXPECT_EQ(HttpUrl::Parse("http://good@evil@x/").value().host, "x") << "the last @, as browsers";
}

}  // namespace
}  // namespace penstock::server
