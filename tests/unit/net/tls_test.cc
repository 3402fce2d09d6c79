// TLS over real sockets, with certificates made for each test.
#include "net/tls.h"

#include <fstream>
#include <thread>

#include <fcntl.h>
#include <openssl/ssl.h>

#include "base/limits.h"
#include "tests/testing/certificate.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Certificate;
using testing::CertificateOptions;
using ::testing::HasSubstr;
using testing::MakeCertificate;
using Secured = Result<std::unique_ptr<TcpStream>>;
using Context = std::shared_ptr<const TlsContext>;

class TlsTest : public LoopTest {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_.path() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Context Identity(const Certificate& certificate) {
    return LoadTlsIdentity(Write("c.pem", certificate.pem), Write("k.pem", certificate.key_pem))
        .value();
  }
  // Trusts the authority, and nobody but it.
  Context Trust(const Certificate& authority) {
    return LoadTlsTrust(Write("ca.pem", authority.pem)).value();
  }
  static Certificate Authority(std::string name = "authority.test") {
    CertificateOptions options;
    options.host = std::move(name);
    options.authority = true;
    return MakeCertificate(options);
  }

  testing::TempDir folder_;
};

struct Ends {
  Secured client = Error(ErrorCode::kInternal, "");
  Secured server = Error(ErrorCode::kInternal, "");
};

Task<Ends> Shake(EventLoop& loop, Context identity, TlsPeer peer) {
  Pair pair = co_await MakePair(loop);
  const CancelToken token;
  auto accepted =
      Start(StartTlsServer(std::move(pair.server), std::move(identity), seconds(10), token));
  Ends ends;
  ends.client =
      co_await StartTlsClient(std::move(pair.client), std::move(peer), seconds(10), token);
  ends.server = co_await accepted;
  co_return ends;
}

// The client's verdict on the certificate.
Task<Status> Meet(EventLoop& loop, Context identity, TlsPeer peer) {
  const Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
  co_return ends.client.ok() ? Status() : Status(ends.client.error());
}

TlsPeer Anybody(const Certificate& certificate) {
  return {SystemTlsTrust(), "127.0.0.1", certificate.fingerprint};
}

TEST_F(TlsTest, AnAuthoritysCertificateIsAcceptedForItsHostOnly) {
  const Certificate authority = Authority();
  const Context identity = Identity(MakeCertificate({}, authority));
  TlsPeer peer{Trust(authority), "127.0.0.1", ""};
  EXPECT_TRUE(Run(Meet(loop(), identity, peer)).ok());
  peer.host = "camera.test";
  const Status other = Run(Meet(loop(), identity, peer));
  EXPECT_EQ(other.error().code(), ErrorCode::kUnauthenticated);
  EXPECT_THAT(other.error().message(), HasSubstr("the certificate is not for camera.test"));
  peer.host = "127.0.0.1";
  peer.trust = Trust(Authority("other.test"));
  EXPECT_THAT(Run(Meet(loop(), identity, peer)).error().message(),
              HasSubstr("signed by nobody whom this machine trusts"));
}

TEST_F(TlsTest, ASelfSignedCertificateIsRefusedWithTheFingerprintThatAcceptsIt) {
  const Certificate certificate = MakeCertificate();
  const Context identity = Identity(certificate);
  TlsPeer peer{SystemTlsTrust(), "127.0.0.1", ""};
  const Status refused = Run(Meet(loop(), identity, peer));
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnauthenticated);
  EXPECT_EQ(
      refused.error().message(),
      "the certificate is self-signed; its SHA-256 fingerprint is " + certificate.fingerprint);
  peer.fingerprint = certificate.fingerprint;
  EXPECT_TRUE(Run(Meet(loop(), identity, peer)).ok());
  peer.fingerprint = MakeCertificate().fingerprint;
  EXPECT_THAT(Run(Meet(loop(), identity, peer)).error().message(),
              HasSubstr(certificate.fingerprint + ", which is not the accepted one"));
}

TEST_F(TlsTest, AnExpiredCertificateIsRefusedUnlessItsFingerprintIsAccepted) {
  const Certificate authority = Authority();
  CertificateOptions old;
  old.from_days = -30;
  old.until_days = -1;
  const Certificate certificate = MakeCertificate(old, authority);
  const Context identity = Identity(certificate);
  TlsPeer peer{Trust(authority), "127.0.0.1", ""};
  EXPECT_THAT(Run(Meet(loop(), identity, peer)).error().message(), HasSubstr("has expired"));
  peer.fingerprint = certificate.fingerprint;
  EXPECT_TRUE(Run(Meet(loop(), identity, peer)).ok());
}

TEST_F(TlsTest, FingerprintsAreReadWithAndWithoutColons) {
  const std::string plain(64, 'a');
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "AA" : ":AA";
  EXPECT_EQ(ParseFingerprint(plain).value(), plain);
  EXPECT_EQ(ParseFingerprint(colons).value(), plain);
  EXPECT_FALSE(ParseFingerprint(plain + "a").ok());
  EXPECT_FALSE(ParseFingerprint(plain.substr(1) + "g").ok());
  EXPECT_FALSE(ParseFingerprint("").ok());
}

TEST_F(TlsTest, FaultyFilesAreNamedWithWhatIsWrong) {
  const Certificate mine = MakeCertificate();
  const std::string certificate = Write("mine.pem", mine.pem);
  const std::string key = Write("mine.key", mine.key_pem);
  const auto message = [](const std::string& c, const std::string& k) {
    return LoadTlsIdentity(c, k).error().message();
  };
  EXPECT_TRUE(LoadTlsIdentity(certificate, key).ok());
  EXPECT_THAT(message("/nowhere/a.pem", key), HasSubstr("/nowhere/a.pem: cannot be read: No such"));
  EXPECT_THAT(message(certificate, folder_.path()), HasSubstr("cannot be read"));
  EXPECT_THAT(message(Write("empty.pem", ""), key), HasSubstr("empty.pem: the file is empty"));
  EXPECT_THAT(message(key, key), HasSubstr("mine.key: no certificate in PEM form"));
  EXPECT_THAT(message(certificate, certificate), HasSubstr("mine.pem: no private key in PEM form"));
  EXPECT_THAT(message(certificate, Write("other.key", MakeCertificate().key_pem)),
              HasSubstr("other.key: the key does not belong to the certificate in"));
}

TEST_F(TlsTest, BigWritesArriveWholeAlthoughThePeerReadsSlowly) {
  const Certificate certificate = MakeCertificate();
  auto run = [](EventLoop& loop, Context identity, TlsPeer peer) -> Task<bool> {
    Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
    TcpStream& from = **ends.server;
    TcpStream& to = **ends.client;
    // More than the sockets hold; of pieces that fit no record.
    std::string all;
    ByteChain chain;
    for (int i = 0; i < 400; ++i) {
      const std::string piece(33'333, static_cast<char>('a' + i % 26));
      all += piece;
      chain.Append(Bytes::Copy(piece));
    }
    auto written = Start(from.Write(chain));
    // The bytes that wait are in the sockets, not in us: the write is not over.
    std::string got;
    std::vector<uint8_t> block(1000);
    while (got.size() < all.size()) {
      const auto read = co_await to.Read(block);
      if (!read.ok()) co_return false;
      if (got.empty() && from.bytes_written() >= all.size()) co_return false;
      got.append(reinterpret_cast<const char*>(block.data()), *read);
    }
    const Status status = co_await written;
    co_return status.ok() && got == all;
  };
  EXPECT_TRUE(Run(run(loop(), Identity(certificate), Anybody(certificate))));
}

TEST_F(TlsTest, BothDirectionsAtOnceAndOnAnotherLoop) {
  const Certificate certificate = MakeCertificate();
  auto prepare = [](EventLoop& loop, EventLoop& other, Context identity,
                    TlsPeer peer) -> Task<Ends> {
    Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
    ends.server = (*ends.server)->MoveTo(other);
    co_return ends;
  };
  Ends ends = Run(prepare(loop(), other_loop(), Identity(certificate), Anybody(certificate)));
  auto talk = [](std::unique_ptr<TcpStream> stream, std::string mine) -> Task<std::string> {
    auto reading = Start(ReadToEnd(*stream));
    (void)co_await WriteText(*stream, std::move(mine));
    stream->ShutdownWrite();
    auto got = co_await reading;
    co_return got.ok() ? *got : got.error().message();
  };
  const std::string ours(3'000'000, 'x');
  const std::string theirs(2'000'000, 'y');
  std::string heard;
  std::thread server(
      [&] { heard = SyncWait(RunOn(other_loop(), talk(std::move(*ends.server), theirs))); });
  const std::string answer = Run(talk(std::move(*ends.client), ours));
  server.join();
  EXPECT_EQ(answer, theirs);
  EXPECT_EQ(heard, ours);
}

TEST_F(TlsTest, ClosingSaysItsEndAndACutConnectionIsNotTakenForOne) {
  const Certificate certificate = MakeCertificate();
  auto closed = [](EventLoop& loop, Context identity, TlsPeer peer) -> Task<std::string> {
    Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
    (void)co_await WriteText(**ends.server, "good-bye");
    (*ends.server)->Close();
    auto got = co_await ReadToEnd(**ends.client);
    co_return got.ok() ? *got : got.error().message();
  };
  EXPECT_EQ(Run(closed(loop(), Identity(certificate), Anybody(certificate))), "good-bye");

  // A peer in the middle that passes everything on, and ends the connection without TLS's end.
  auto cut = [](EventLoop& loop, Context identity, TlsPeer peer) -> Task<ErrorCode> {
    Pair outer = co_await MakePair(loop);
    Pair inner = co_await MakePair(loop);
    auto pass = [](TcpStream& from, TcpStream& to) -> Task<Unit> {
      std::vector<uint8_t> block(4096);
      for (;;) {
        const auto got = co_await from.Read(block);
        if (!got.ok()) co_return Unit();
        ByteChain chain(Bytes::Copy(ByteSpan(block.data(), *got)));
        (void)co_await to.Write(chain);
      }
    };
    auto there = Start(pass(*outer.server, *inner.client));
    auto back = Start(pass(*inner.client, *outer.server));
    const CancelToken token;
    auto accepted =
        Start(StartTlsServer(std::move(inner.server), std::move(identity), seconds(10), token));
    auto client =
        co_await StartTlsClient(std::move(outer.client), std::move(peer), seconds(10), token);
    auto server = co_await accepted;
    outer.server->Close();
    inner.client->Close();
    (void)co_await there;
    (void)co_await back;
    std::vector<uint8_t> block(100);
    const auto got = co_await (*client)->Read(block);
    co_return got.error().code();
  };
  EXPECT_EQ(Run(cut(loop(), Identity(certificate), Anybody(certificate))), ErrorCode::kUnavailable);
}

// A stream whose socket is full for as long as the test wants.
class FullStream final : public TcpStream {
 public:
  FullStream(std::unique_ptr<TcpStream> below, std::shared_ptr<std::optional<Oneshot<Unit>>> room)
      : below_(std::move(below)), room_(std::move(room)) {}

  Task<Result<size_t>> Read(std::span<uint8_t> out) override { return below_->Read(out); }
  Task<Status> Write(ByteChain bytes) override {
    if (*room_) {
      const Oneshot<Unit> room = **room_;
      co_await room;
    }
    co_return co_await below_->Write(std::move(bytes));
  }
  Task<Status> WriteMore(ByteChain bytes) override { return Write(std::move(bytes)); }
  Task<Status> SendFile(FileSlice slice) override { return below_->SendFile(std::move(slice)); }
  uint64_t bytes_written() const override { return below_->bytes_written(); }
  void Interrupt() override { below_->Interrupt(); }
  void Close() override { below_->Close(); }
  void ShutdownWrite() override { below_->ShutdownWrite(); }
  Result<std::unique_ptr<TcpStream>> MoveTo(EventLoop& loop) override {
    return below_->MoveTo(loop);
  }
  Endpoint peer() const override { return below_->peer(); }
  Endpoint local() const override { return below_->local(); }
  EventLoop& loop() override { return below_->loop(); }
  size_t readable() const override { return below_->readable(); }

 private:
  const std::unique_ptr<TcpStream> below_;
  const std::shared_ptr<std::optional<Oneshot<Unit>>> room_;
};

TEST_F(TlsTest, TheEndIsSaidAfterAWaitForRoomToo) {
  const Certificate certificate = MakeCertificate();
  auto run = [](EventLoop& loop, Context identity, TlsPeer peer) -> Task<std::string> {
    Pair pair = co_await MakePair(loop);
    auto room = std::make_shared<std::optional<Oneshot<Unit>>>();
    std::unique_ptr<TcpStream> full = std::make_unique<FullStream>(std::move(pair.server), room);
    const CancelToken token;
    auto accepted = Start(StartTlsServer(std::move(full), std::move(identity), seconds(10), token));
    auto client =
        co_await StartTlsClient(std::move(pair.client), std::move(peer), seconds(10), token);
    auto server = co_await accepted;
    (void)co_await WriteText(**server, "last words");
    room->emplace();
    (*server)->ShutdownWrite();
    (*room)->Set(Unit());
    auto got = co_await ReadToEnd(**client);
    co_return got.ok() ? *got : got.error().message();
  };
  EXPECT_EQ(Run(run(loop(), Identity(certificate), Anybody(certificate))), "last words");
}

TEST_F(TlsTest, APeerThatStallsInTheHandshakeIsGivenUpInTime) {
  const Certificate certificate = MakeCertificate();
  auto run = [](EventLoop& loop, Context identity, bool client) -> Task<Status> {
    Pair pair = co_await MakePair(loop);
    const CancelToken token;
    const TlsPeer peer{SystemTlsTrust(), "127.0.0.1", ""};
    Secured got = Error(ErrorCode::kInternal, "");
    // The other end of the pair says nothing.
    if (client) {
      got = co_await StartTlsClient(std::move(pair.client), peer, milliseconds(50), token);
    } else {
      got = co_await StartTlsServer(std::move(pair.server), identity, milliseconds(50), token);
    }
    co_return got.error();
  };
  (void)Run(run(loop(), Identity(certificate), true));  // what a loop opens once is open
  const size_t before = OpenDescriptors();
  for (const bool client : {true, false}) {
    const Status status = Run(run(loop(), Identity(certificate), client));
    EXPECT_EQ(status.error().code(), ErrorCode::kTimeout);
    EXPECT_THAT(status.error().message(), HasSubstr("handshake was not done within"));
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(TlsTest, AHandshakeEndsWhenItsOwnerGivesItUp) {
  const Certificate certificate = MakeCertificate();
  auto run = [](EventLoop& loop, Context identity) -> Task<ErrorCode> {
    Pair pair = co_await MakePair(loop);
    CancelSource source;
    auto accepted = Start(
        StartTlsServer(std::move(pair.server), std::move(identity), seconds(60), source.token()));
    source.Cancel();
    auto got = co_await accepted;
    co_return got.error().code();
  };
  EXPECT_EQ(Run(run(loop(), Identity(certificate))), ErrorCode::kCancelled);
}

TEST_F(TlsTest, WhoDoesNotSpeakTlsIsToldFromWhoDoes) {
  const Certificate certificate = MakeCertificate();
  auto run = [](EventLoop& loop, Context identity, std::string said) -> Task<Status> {
    Pair pair = co_await MakePair(loop);
    const CancelToken token;
    (void)co_await WriteText(*pair.client, std::move(said));
    pair.client->ShutdownWrite();
    auto got = co_await StartTlsServer(std::move(pair.server), identity, seconds(10), token);
    co_return got.error();
  };
  const Context identity = Identity(certificate);
  const Status plain = Run(run(loop(), identity, "OPTIONS rtsp://host/ RTSP/1.0\r\n\r\n"));
  EXPECT_EQ(plain.error().message(), "the peer does not speak TLS at this port");
  const Status gone = Run(run(loop(), identity, ""));
  EXPECT_EQ(gone.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(gone.error().message(), HasSubstr("ended in the TLS handshake"));
  // A record that is announced and never ends, and one that is garbage.
  EXPECT_EQ(Run(run(loop(), identity, std::string("\x16\x03\x01\x40\x00\x01", 6))).error().code(),
            ErrorCode::kUnavailable);
  EXPECT_EQ(
      Run(run(loop(), identity, std::string("\x16\x03\x01\x00\x05", 5) + "hello")).error().code(),
      ErrorCode::kProtocol);
}

TEST_F(TlsTest, AClientThatRefusesOurCertificateIsUnderstood) {
  // One that ends the handshake over it, as most do.
  ssl_ctx_st* const strict = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(strict, SSL_VERIFY_PEER, nullptr);
  TlsPeer peer{std::make_shared<const TlsContext>(strict), "127.0.0.1", ""};
  auto run = [](EventLoop& loop, Context identity, TlsPeer peer) -> Task<std::string> {
    const Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
    co_return ends.server.ok() ? "accepted" : ends.server.error().message();
  };
  EXPECT_THAT(Run(run(loop(), Identity(MakeCertificate()), peer)),
              HasSubstr("the peer does not accept our certificate"));
}

TEST_F(TlsTest, BothLoopsShakeHandsAtOnceWithTheSameContexts) {
  const Certificate certificate = MakeCertificate();
  const Context identity = Identity(certificate);
  auto run = [](EventLoop& loop, Context shared, TlsPeer peer) -> Task<int> {
    int met = 0;
    for (int i = 0; i < 20; ++i) {
      const Ends ends = co_await Shake(loop, shared, peer);
      met += ends.client.ok() && ends.server.ok() ? 1 : 0;
    }
    co_return met;
  };
  int there = 0;
  std::thread other([&] {
    there = SyncWait(RunOn(other_loop(), run(other_loop(), identity, Anybody(certificate))));
  });
  EXPECT_EQ(Run(run(loop(), identity, Anybody(certificate))), 20);
  other.join();
  EXPECT_EQ(there, 20);
}

TEST_F(TlsTest, AnInterruptedReadLosesNoByte) {
  const Certificate certificate = MakeCertificate();
  auto run = [](EventLoop& loop, Context identity, TlsPeer peer) -> Task<std::string> {
    Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
    std::vector<uint8_t> block(100);
    auto reading = Start((*ends.client)->Read(block));
    (*ends.client)->Interrupt();
    const auto interrupted = co_await reading;
    if (interrupted.ok() || interrupted.error().code() != ErrorCode::kCancelled) {
      co_return "not interrupted";
    }
    (void)co_await WriteText(**ends.server, "still there");
    const auto got = co_await (*ends.client)->Read(block);
    if (!got.ok()) co_return got.error().message();
    co_return std::string(reinterpret_cast<const char*>(block.data()), *got);
  };
  EXPECT_EQ(Run(run(loop(), Identity(certificate), Anybody(certificate))), "still there");
}

TEST_F(TlsTest, FilesAreSentToo) {
  const Certificate certificate = MakeCertificate();
  std::string content(200'000, 'f');
  content += "end";
  const std::string path = Write("file", content);
  auto run = [](EventLoop& loop, Context identity, TlsPeer peer,
                std::string path) -> Task<std::string> {
    Ends ends = co_await Shake(loop, std::move(identity), std::move(peer));
    FileSlice slice;
    slice.file = std::make_shared<FileHandle>(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    slice.offset = 1;
    slice.size = 200'002;
    auto sent = Start((*ends.server)->SendFile(slice));
    auto reading = Start(ReadToEnd(**ends.client));
    const Status status = co_await sent;
    (*ends.server)->Close();
    auto got = co_await reading;
    co_return status.ok() && got.ok() ? *got : "failed";
  };
  EXPECT_EQ(Run(run(loop(), Identity(certificate), Anybody(certificate), path)), content.substr(1));
}

}  // namespace
}  // namespace penstock::net
