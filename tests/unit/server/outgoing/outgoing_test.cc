#include "server/outgoing/outgoing.h"

#include <fstream>

#include "tests/testing/certificate.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/server/outgoing/hook.h"

namespace penstock::server {
namespace {

using std::chrono::milliseconds;

class OutgoingTest : public HookTest {
 protected:
  Result<OutgoingAnswer> Send(std::string_view url, const AllowedHosts* allowed = nullptr) {
    return Send(outgoing_, url, allowed, milliseconds(20'000));
  }
  static Result<OutgoingAnswer> Send(Outgoing& outgoing, std::string_view url,
                                     const AllowedHosts* allowed, milliseconds time) {
    OutgoingRequest request;
    request.url = HttpUrl::Parse(url).value();
    request.body = "text";
    request.time = time;
    request.allowed = allowed;
    return SyncWait(outgoing.Send(std::move(request)));
  }

  // A server of one connection, over TLS if it has an identity; else it says nothing.
  struct Peer {
    std::unique_ptr<net::TcpListener> listener;
    std::unique_ptr<net::TcpStream> stream;
  };
  using Identity = std::shared_ptr<const net::TlsContext>;
  static Task<uint16_t> Listen(net::EventLoop& loop, std::shared_ptr<Peer> peer) {
    peer->listener = net::TcpListener::Listen(loop, "127.0.0.1", 0).value();
    co_return peer->listener->local().port;
  }
  static Task<void> Serve(net::EventLoop& loop, std::shared_ptr<Peer> peer, Identity identity) {
    auto accepted = co_await peer->listener->Accept(loop);
    if (!accepted.ok()) co_return;
    peer->stream = std::move(*accepted);
    if (!identity) co_return;
    auto secured = co_await net::StartTlsServer(std::move(peer->stream), identity,
                                                milliseconds(20'000), CancelToken());
    if (!secured.ok()) co_return;
    peer->stream = std::move(*secured);
    std::vector<uint8_t> buffer(4096);
    (void)co_await peer->stream->Read(buffer);
    const std::string answer = "HTTP/1.1 204 No Content\r\n\r\n";
    ByteChain bytes(Bytes::Copy(answer));
    (void)co_await peer->stream->Write(bytes);
  }
  static Task<void> Close(std::shared_ptr<Peer> peer) {
    peer->listener.reset();
    peer->stream.reset();
    co_return;
  }
  // What comes of a request to such a server.
  Result<OutgoingAnswer> AskPeer(Outgoing& outgoing, Identity identity, milliseconds time) {
    const auto peer = std::make_shared<Peer>();
    const uint16_t port = SyncWait(RunOn(loops_[0], Listen(loops_[0], peer)));
    loops_[0].Post([this, peer, identity] { Detach(Serve(loops_[0], peer, identity)); });
    const char* const scheme = identity ? "https" : "http";
    auto answer =
        Send(outgoing, std::string(scheme) + "://127.0.0.1:" + std::to_string(port), nullptr, time);
    SyncWait(RunOn(loops_[0], Close(peer)));
    return answer;
  }
};

TEST_F(OutgoingTest, ARequestSaysWhereItGoesAndTheAnswerIsGiven) {
  hook_.Answer(418, "short and stout");
  std::string url = hook_.Url("/a?b");
  url.insert(7, "me:secret@");
  const auto answer = Send(url);
  ASSERT_TRUE(answer.ok()) << answer.error().ToString();
  EXPECT_EQ(answer->status, 418);
  EXPECT_EQ(answer->text, "short and stout");
  const Hook::Seen seen = hook_.WaitFor(1)[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/a?b");
  EXPECT_EQ(seen.body, "text");
  EXPECT_EQ("http://" + std::string(seen.headers.Get("Host")), hook_.Url(""));
  EXPECT_EQ(seen.headers.Get("Authorization"), "Basic bWU6c2VjcmV0");
}

TEST_F(OutgoingTest, OfALongAnswerTheBeginIsKept) {
  hook_.Answer(200, std::string(3'000'000, 'x'));
  EXPECT_EQ(Send(hook_.Url("/"))->text, std::string(1024, 'x'));
}

TEST_F(OutgoingTest, ARedirectIsAnAnswer) {
  hook_.Redirect(hook_.Url("/elsewhere"));
  hook_.Answer(307);
  EXPECT_EQ(Send(hook_.Url("/"))->status, 307);
  EXPECT_EQ(hook_.WaitFor(1).size(), 1u);
}

TEST_F(OutgoingTest, NothingIsSentToWhereNothingMayGo) {
  const AllowedHosts others = AllowedHosts::Parse("*.example.org 192.0.2.0/24").value();
  EXPECT_EQ(Send(hook_.Url("/"), &others).error().code(), ErrorCode::kForbidden);
  // A name that is allowed is looked up, and what it leads to is looked at.
  const AllowedHosts name = AllowedHosts::Parse("localhost").value();
  std::string by_name = hook_.Url("/by-name");
  by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
  EXPECT_TRUE(Send(by_name, &name).ok());
  EXPECT_EQ(hook_.WaitFor(1).size(), 1u);
}

TEST_F(OutgoingTest, AServerThatSaysNothingIsLeftInTime) {
  const auto answer = AskPeer(outgoing_, nullptr, milliseconds(300));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code(), ErrorCode::kTimeout);
}

TEST_F(OutgoingTest, AServersCertificateHasToBeOfATrustedAuthority) {
  const penstock::testing::TempDir dir;
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(dir.path() / name) << text;
    return (dir.path() / name).string();
  };
  penstock::testing::CertificateOptions options;
  options.authority = true;
  options.host = "authority.test";
  const auto authority = penstock::testing::MakeCertificate(options);
  const auto certificate =
      penstock::testing::MakeCertificate(penstock::testing::CertificateOptions(), authority);
  const Identity identity =
      net::LoadTlsIdentity(write("c.pem", certificate.pem), write("k.pem", certificate.key_pem))
          .value();
  const auto refused = AskPeer(outgoing_, identity, milliseconds(20'000));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnauthenticated) << refused.error().ToString();
  Outgoing trusting(loops_, net::LoadTlsTrust(write("ca.pem", authority.pem)).value());
  const auto answer = AskPeer(trusting, identity, milliseconds(20'000));
  ASSERT_TRUE(answer.ok()) << answer.error().ToString();
  EXPECT_EQ(answer->status, 204);
}

}  // namespace
}  // namespace penstock::server
