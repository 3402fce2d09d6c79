#include "server/config/identity.h"

#include <fstream>

#include <gmock/gmock.h>

#include "tests/testing/certificate.h"
#include "tests/testing/temp_dir.h"

namespace penstock::server {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

net::CertificateFacts Facts(std::string fingerprint, ServerTime begins, ServerTime ends) {
  net::CertificateFacts facts;
  facts.fingerprint = std::move(fingerprint);
  facts.begins = begins;
  facts.ends = ends;
  return facts;
}

TEST(IdentityTest, ACertificateThatHasEndedOrNotBegunReplacesNone) {
  const ServerTime now = ServerTimeFromMs(1'700'000'000'000);
  const auto old = Facts("old", now - hours(9), now + hours(1));
  EXPECT_TRUE(CheckRenewal(old, Facts("new", now - hours(1), now + hours(9)), now).ok());
  EXPECT_THAT(CheckRenewal(old, Facts("new", now - hours(9), now), now).error().message(),
              HasSubstr("has ended, on 2023-11-14T22:13:20"));
  EXPECT_THAT(
      CheckRenewal(old, Facts("new", now + hours(1), now + hours(9)), now).error().message(),
      HasSubstr("only begins on"));
  // A server goes on with the one it has, and so does its configuration.
  const auto ended = Facts("old", now - hours(9), now - hours(1));
  EXPECT_TRUE(CheckRenewal(ended, ended, now).ok());
}

TEST(IdentityTest, FilesAreReadAgainWhenOneOfThemIsAnother) {
  const testing::TempDir folder;
  Config config = DefaultConfig();
  config.tls_certificate = folder.path() / "c.pem";
  config.tls_key = folder.path() / "c.key";
  IdentityFiles files;
  EXPECT_TRUE(files.Changed(config)) << "nothing was seen yet";
  EXPECT_FALSE(files.Changed(config));
  for (const auto& file : {config.tls_certificate, config.tls_key}) {
    std::ofstream(file) << "one";
    EXPECT_TRUE(files.Changed(config)) << file;
    EXPECT_FALSE(files.Changed(config)) << file;
    // As tools do it that never leave half a file: the same length, perhaps the same second.
    std::ofstream(file.string() + ".new") << "two";
    std::filesystem::rename(file.string() + ".new", file);
    EXPECT_TRUE(files.Changed(config)) << file;
    std::filesystem::remove(file);
    EXPECT_TRUE(files.Changed(config)) << file;
  }
}

TEST(IdentityTest, ItSaysWhatItShows) {
  const testing::TempDir folder;
  const testing::Certificate made = testing::MakeCertificate();
  Config config = DefaultConfig();
  config.tls_certificate = folder.path() / "c.pem";
  config.tls_key = folder.path() / "c.key";
  std::ofstream(config.tls_certificate) << made.pem;
  std::ofstream(config.tls_key) << made.key_pem;
  EXPECT_EQ(LoadIdentity(config).value(), nullptr) << "no door needs it";
  config.https = HostPort{"127.0.0.1", 8443};
  EXPECT_EQ(LoadIdentity(config).value()->shown().fingerprint, made.fingerprint);
}

}  // namespace
}  // namespace penstock::server
