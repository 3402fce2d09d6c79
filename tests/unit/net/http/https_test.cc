// HTTP over TLS, with a client that knows nothing of our code: OpenSSL on a plain blocking socket.
#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/certificate.h"
#include "tests/testing/certificate.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/http/http_fixture.h"

namespace penstock::net {
namespace {

using testing::Certificate;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::MakeCertificate;
using ::testing::StartsWith;

class TlsClient {
 public:
  // `offered` as ALPN lists them; empty: no such extension.
  explicit TlsClient(uint16_t port, std::string_view offered = "")
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        context_(SSL_CTX_new(TLS_client_method())),
        ssl_(SSL_new(context_)) {
    const timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    // OpenSSL writes to a socket as to a file: into one that the server has closed by a signal.
    std::signal(SIGPIPE, SIG_IGN);
    SSL_set_fd(ssl_, fd_);
    if (!offered.empty()) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(offered.data()),
                          static_cast<unsigned int>(offered.size()));
    }
    ERR_clear_error();
    shaken_ = SSL_connect(ssl_) == 1;
    refusal_ = shaken_ ? 0 : ERR_GET_REASON(ERR_peek_error());
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;

  bool shaken() const { return shaken_; }
  int refusal() const { return refusal_; }  // OpenSSL's reason
  std::string protocol() const {
    const unsigned char* data = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_, &data, &size);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
  std::string fingerprint() const { return FingerprintOf(SSL_get0_peer_certificate(ssl_)); }

  bool Send(std::string_view text) {
    size_t sent = 0;
    return SSL_write_ex(ssl_, text.data(), text.size(), &sent) == 1 && sent == text.size();
  }
  std::string ReadUntil(std::string_view end) {
    std::string got;
    char byte = 0;
    size_t size = 0;
    while (!got.ends_with(end) && SSL_read_ex(ssl_, &byte, 1, &size) == 1) got += byte;
    return got;
  }
  std::string Read(size_t bytes) {
    std::string got(bytes, '\0');
    size_t at = 0;
    size_t size = 0;
    while (at < bytes && SSL_read_ex(ssl_, got.data() + at, bytes - at, &size) == 1) at += size;
    got.resize(at);
    return got;
  }

 private:
  const int fd_;
  SSL_CTX* const context_;
  SSL* const ssl_;
  bool shaken_ = false;
  int refusal_ = 0;
};

class HttpsTest : public HttpTest {
 protected:
  void StartTls(HttpHandler handler, HttpServerOptions options = {}) {
    server_ = std::make_unique<HttpServer>(loops_, std::move(handler), options);
    identity_ = std::make_shared<TlsIdentity>(Load(first_));
    local_ = server_->ListenTls("127.0.0.1", 0, identity_).value();
  }
  std::shared_ptr<const TlsContext> Load(const Certificate& certificate) {
    const std::string pem = folder_.path() / "c.pem";
    const std::string key = folder_.path() / "c.key";
    std::ofstream(pem) << certificate.pem;
    std::ofstream(key) << certificate.key_pem;
    return LoadTlsIdentity(pem, key).value();
  }

  testing::TempDir folder_;
  const Certificate first_ = MakeCertificate();
  std::shared_ptr<TlsIdentity> identity_;
};

Task<HttpResponse> SayHow(HttpRequest request) {
  co_return HttpResponse(200, "text/plain", request.over_tls ? "tls\n" : "plain\n");
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(HttpsTest, RequestsAreAnsweredOnOneConnectionAndKnownToHaveComeByTls) {
  StartTls(SayHow);
  TlsClient client(port(), "\x02h2\x08http/1.1");
  ASSERT_TRUE(client.shaken());
  EXPECT_EQ(client.protocol(), "http/1.1");
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(client.Send(kGet));
    const std::string head = client.ReadUntil("\r\n\r\n");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200 "));
    EXPECT_EQ(client.Read(4), "tls\n");
  }
  TlsClient silent(port());
  ASSERT_TRUE(silent.shaken());
  EXPECT_EQ(silent.protocol(), "");
  ASSERT_TRUE(silent.Send(kGet));
  EXPECT_THAT(silent.ReadUntil("tls\n"), HasSubstr("tls"));

  const uint16_t plain = server_->Listen("127.0.0.1", 0).value().port;
  RawClient other(plain);
  other.Send(kGet);
  EXPECT_EQ(other.ReadResponse().body, "plain\n");
}

TEST_F(HttpsTest, AClientThatSpeaksOnlyHttp2IsRefusedInTheHandshake) {
  StartTls(SayHow);
  const TlsClient client(port(), "\x02h2");
  EXPECT_FALSE(client.shaken());
  EXPECT_EQ(client.refusal(), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
  TlsClient next(port(), "\x08http/1.0");
  EXPECT_TRUE(next.shaken());
}

TEST_F(HttpsTest, WhoSpeaksNoTlsIsToldSoInPlainText) {
  StartTls(SayHow);
  for (const std::string_view said : {kGet, std::string_view("x")}) {
    RawClient client(port());
    ASSERT_TRUE(client.Send(said));
    const auto answer = client.ReadResponse();
    EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(answer.body, HasSubstr("write https:// in the address"));
    EXPECT_THAT(answer.body, EndsWith("\n"));
    EXPECT_EQ(client.ReadToEnd(), "") << "its length is what its head says";
  }
}

TEST_F(HttpsTest, ANewCertificateIsForNewConnectionsAndTheOldOnesGoOn) {
  StartTls(SayHow);
  TlsClient before(port());
  EXPECT_EQ(before.fingerprint(), first_.fingerprint);
  const Certificate second = MakeCertificate();
  identity_->Set(Load(second));
  TlsClient after(port());
  EXPECT_EQ(after.fingerprint(), second.fingerprint);
  for (TlsClient* client : {&before, &after}) {
    ASSERT_TRUE(client->Send(kGet));
    EXPECT_THAT(client->ReadUntil("tls\n"), HasSubstr("tls"));
  }
}

TEST_F(HttpsTest, ClientsThatStallInTheHandshakeAreEndedInTimeAndKeepNobodyOut) {
  HttpServerOptions options;
  options.handshake = std::chrono::milliseconds(200);
  options.idle = std::chrono::hours(1);
  StartTls(SayHow, options);
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 40; ++i) {
    stalled.push_back(std::make_unique<RawClient>(port()));
    // Half of them begin as TLS does, and leave it at that.
    if (i % 2 == 0) stalled.back()->Send(std::string("\x16\x03\x01\x02\x00", 5));
  }
  TlsClient client(port());
  ASSERT_TRUE(client.shaken());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_THAT(client.ReadUntil("tls\n"), HasSubstr("tls"));
  for (const auto& one : stalled) one->ReadToEnd();
}

TEST_F(HttpsTest, HandshakesThatStallTakeNoRoomFromThePlainDoor) {
  HttpServerOptions options;
  options.handshake = std::chrono::hours(1);
  options.handshakes_max = 3;
  options.connections_max = 4;
  StartTls(SayHow, options);
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 5; ++i) stalled.push_back(std::make_unique<RawClient>(port()));
  const TlsClient late(port());
  EXPECT_FALSE(late.shaken());
  RawClient plain(server_->Listen("127.0.0.1", 0).value().port);
  plain.Send(kGet);
  EXPECT_EQ(plain.ReadResponse().body, "plain\n");
}

TEST_F(HttpsTest, AStopWaitsForNoHandshake) {
  HttpServerOptions options;
  options.handshake = std::chrono::hours(1);
  StartTls(SayHow, options);
  RawClient stalled(port());
  stalled.Send("\x16");
  // The server has it: connections are taken in their order.
  TlsClient client(port());
  ASSERT_TRUE(client.shaken());
  server_->Stop(std::chrono::seconds(1));
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpsTest, FilesAndMemoryGoOutAsOneAnswer) {
  const std::string path = folder_.path() / "media";
  std::string stored(1'000'003, '\0');
  for (size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<char>(i * 31 + (i >> 9));
  std::ofstream(path, std::ios::binary) << stored;
  const auto file = std::make_shared<const FileHandle>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  StartTls([file, size = stored.size()](HttpRequest) -> Task<HttpResponse> {
    return [](std::shared_ptr<const FileHandle> f, size_t bytes) -> Task<HttpResponse> {
      HttpResponse response;
      ByteChain begin(Bytes::Copy("begin"));
      for (int i = 0; i < 50'000; ++i) begin.Append(Bytes::Copy("."));
      response.parts.emplace_back(std::move(begin));
      response.parts.emplace_back(FileSlice{f, 7, bytes - 7});
      ByteChain end(Bytes::Copy("end"));
      response.parts.emplace_back(std::move(end));
      co_return response;
    }(file, size);
  });
  const std::string wanted = "begin" + std::string(50'000, '.') + stored.substr(7) + "end";
  TlsClient client(port());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr(std::to_string(wanted.size())));
  EXPECT_TRUE(client.Read(wanted.size()) == wanted);
}

// As PutMedia: the answer begins with the first piece of the body and goes on beside it.
Task<HttpResponse> AnswerEachPiece(HttpRequest request) {
  HttpResponse response;
  response.stream = [body = request.body](std::shared_ptr<BodyWriter> writer) -> Task<Status> {
    return [](std::shared_ptr<BodyReader> in, std::shared_ptr<BodyWriter> out) -> Task<Status> {
      for (;;) {
        const Result<Bytes> piece = co_await in->Next();
        if (!piece.ok()) co_return piece.error();
        if (piece->empty()) co_return Status();
        ByteChain ack(Bytes::Copy("<" + std::string(piece->text()) + ">"));
        PS_CO_TRY_VOID(co_await out->Write(std::move(ack)));
      }
    }(body, std::move(writer));
  };
  co_return response;
}

TEST_F(HttpsTest, AnAnswerGoesOutWhileItsRequestStillComes) {
  StartTls(AnswerEachPiece);
  TlsClient client(port());
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  client.ReadUntil("\r\n\r\n");
  for (const std::string_view piece : {"one", "two", "six"}) {
    ASSERT_TRUE(client.Send("3\r\n" + std::string(piece) + "\r\n"));
    EXPECT_EQ(client.ReadUntil(">\r\n"), "5\r\n<" + std::string(piece) + ">\r\n");
  }
  ASSERT_TRUE(client.Send("0\r\n\r\n"));
  EXPECT_EQ(client.ReadUntil("0\r\n\r\n"), "0\r\n\r\n");
}

}  // namespace
}  // namespace penstock::net
