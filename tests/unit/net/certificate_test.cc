// Certificates that we make, held against the handshake that has to accept them.
#include "tests/testing/certificate.h"

#include <fstream>

#include "net/make_certificate.h"
#include "net/tls.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CertificateTest : public LoopTest {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  KeyAndCertificate Server(std::vector<std::string> names) {
    return MakeServerCertificate(authority_, names, Validity{now_ - hours(1), now_ + hours(24)})
        .value();
  }
  // What a client says of it that trusts the authority and expects `host`.
  Status Meet(const KeyAndCertificate& server, std::string host) {
    const auto identity =
        LoadTlsIdentity(Write("s.pem", server.certificate), Write("s.key", server.key)).value();
    const TlsPeer peer{LoadTlsTrust(Write("ca.pem", authority_.certificate)).value(),
                       std::move(host), ""};
    auto run = [](EventLoop& loop, std::shared_ptr<const TlsContext> shown,
                  TlsPeer expected) -> Task<Status> {
      Pair pair = co_await MakePair(loop);
      const CancelToken token;
      auto accepted = Start(StartTlsServer(std::move(pair.server), std::move(shown),
                                           std::chrono::seconds(10), token));
      auto client = co_await StartTlsClient(std::move(pair.client), std::move(expected),
                                            std::chrono::seconds(10), token);
      (void)co_await accepted;
      co_return client.ok() ? Status() : Status(client.error());
    };
    return Run(run(loop(), identity, peer));
  }

  const ServerTime now_ = SystemClock().Now();
  const KeyAndCertificate authority_ =
      MakeAuthority("Test authority", Validity{now_ - hours(1), now_ + hours(48)});
  testing::TempDir folder_;
};

TEST_F(CertificateTest, AClientThatIsGivenTheAuthorityAcceptsEachNameAndNoOther) {
  const KeyAndCertificate server = Server({"cam.example", "*.yard.example", "127.0.0.1", "::1"});
  for (const char* host : {"cam.example", "a.yard.example", "127.0.0.1", "::1"}) {
    const Status met = Meet(server, host);
    EXPECT_TRUE(met.ok()) << host << ": " << (met.ok() ? "" : met.error().message());
  }
  for (const char* host : {"other.example", "yard.example", "127.0.0.2", "::2"}) {
    EXPECT_THAT(Meet(server, host).error().message(), HasSubstr("not for")) << host;
  }
}

TEST_F(CertificateTest, ItSaysWhomItIsForWhoSignedItAndUntilWhen) {
  const auto facts = ReadCertificate(Server({"cam.example", "192.0.2.7", "::1"}).certificate);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->subject, "CN=cam.example");
  EXPECT_EQ(facts->issuer, "CN=Test authority");
  EXPECT_THAT(facts->names, ElementsAre("cam.example", "192.0.2.7", "::1"));
  EXPECT_EQ(facts->fingerprint.size(), 64u);
  EXPECT_EQ(ToMs(facts->begins), ToMs(now_ - hours(1)) / 1000 * 1000);
  EXPECT_EQ(ToMs(facts->ends), ToMs(now_ + hours(24)) / 1000 * 1000);
  EXPECT_EQ(ReadCertificate("-----BEGIN NOTHING-----").error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(CertificateTest, WhatIsReadIsWhatOthersSayOfIt) {
  const testing::Certificate other = testing::MakeCertificate();
  EXPECT_EQ(ReadCertificate(other.pem)->fingerprint, other.fingerprint);
}

TEST_F(CertificateTest, AServersCertificateEndsWithItsAuthorityAndMaySignNothing) {
  const Validity longer{now_, now_ + hours(1000)};
  const auto server = MakeServerCertificate(authority_, {"cam.example"}, longer);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(ReadCertificate(server->certificate)->ends,
            ReadCertificate(authority_.certificate)->ends);
  const auto refused = MakeServerCertificate(*server, {"cam.example"}, longer);
  EXPECT_THAT(refused.error().message(), HasSubstr("may not sign others"));
  const Validity later{now_ + hours(48), now_ + hours(1000)};
  EXPECT_THAT(MakeServerCertificate(authority_, {"a.example"}, later).error().message(),
              HasSubstr("has ended"));
}

TEST_F(CertificateTest, AnAuthorityOfTwoPiecesThatDoNotBelongTogetherIsRefused) {
  KeyAndCertificate mixed = authority_;
  mixed.key = MakeAuthority("Other", Validity{now_, now_ + hours(1)}).key;
  const Validity day{now_, now_ + hours(24)};
  EXPECT_THAT(MakeServerCertificate(mixed, {"a.example"}, day).error().message(),
              HasSubstr("does not belong"));
  mixed.key = "no key";
  EXPECT_THAT(MakeServerCertificate(mixed, {"a.example"}, day).error().message(),
              HasSubstr("in PEM form"));
}

TEST_F(CertificateTest, NamesThatNoHostCanHaveAreRefused) {
  for (const char* name : {"localhost", "cam-1.example", "*.example", "a_b.example", "10.0.0.1",
                           "fe80::1", "7.example"})
    EXPECT_TRUE(CheckCertificateName(name).ok()) << name;
  for (const char* name :
       {"", "a b", "a,b", "a,DNS:evil.example", "a..b", "a.", ".a", "-a", "a-", "*", "*a.example",
        "a.*.example", "10.0.0.300", "1234", "http://a", "a:8443", "[::1]", "a\nb"})
    EXPECT_FALSE(CheckCertificateName(name).ok()) << name;
  EXPECT_FALSE(CheckCertificateName(std::string(64, 'a')).ok());
}

}  // namespace
}  // namespace penstock::net
