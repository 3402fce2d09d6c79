// A TLS connection: OpenSSL between two buffers in memory, and a stream below that carries what it
// makes of them.
#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/blocking.h"
#include "net/cipher_sink.h"
#include "net/tls.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using Secured = Result<std::unique_ptr<TcpStream>>;

constexpr size_t kRecordBytesMax = 16 * 1024;
// Plain bytes that are made cipher text at once: what the stream below holds meanwhile.
constexpr size_t kBatchBytes = 2 * kRecordBytesMax;
// What TLS adds to a record, at most.
constexpr size_t kRecordOverheadBytes = 128;
// The first byte of every TLS connection: that of a record with a handshake in it.
constexpr uint8_t kHandshakeRecord = 0x16;
constexpr size_t kReadBytesMax = 16 * 1024;
// Answers to what the peer asks of TLS itself wait for our next write; more of them than this is a
// peer that does nothing but ask.
constexpr size_t kUnsentAnswersMax = 8 * 1024;

Error Cancelled() { return Error(ErrorCode::kCancelled, "the connection was closed here"); }

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// What the stream and its pending calls share: a call may outlive the object it was made on.
struct State {
  State(std::unique_ptr<TcpStream> s, std::unique_ptr<SSL, SslDeleter> taken, TlsDoor its_door)
      : socket(std::move(s)), ssl(std::move(taken)), door(its_door) {
    SSL_set_app_data(ssl.get(), &door);
  }

  BIO* incoming() { return SSL_get_rbio(ssl.get()); }
  BIO* outgoing() { return SSL_get_wbio(ssl.get()); }

  std::unique_ptr<TcpStream> socket;
  std::unique_ptr<SSL, SslDeleter> ssl;
  const TlsDoor door;  // a server's; `ssl` knows where it is
  bool open = true;
  bool established = false;
  bool writing = false;
  bool broken = false;  // a record was sent in part, or OpenSSL has given up: no more writes
  bool ended = false;   // close_notify was said
};

std::shared_ptr<State> MakeState(std::unique_ptr<TcpStream> socket, const TlsContext& context,
                                 TlsDoor door) {
  std::unique_ptr<SSL, SslDeleter> ssl(SSL_new(context.native()));
  CHECK(ssl != nullptr);
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), MakeCipherSink());
  return std::make_shared<State>(std::move(socket), std::move(ssl), door);
}

// The peer's alert about what we showed it.
bool IsAboutOurCertificate(int reason) {
  return reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA || reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
         reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN ||
         reason == SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED;
}

Error TlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && IsAboutOurCertificate(ERR_GET_REASON(code))) {
    return Error(ErrorCode::kProtocol, fmt::format("the peer does not accept our certificate ({})",
                                                   ERR_reason_error_string(code)));
  }
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER ||
                                           ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST)) {
    return Error(ErrorCode::kProtocol, "the peer does not speak TLS at this port");
  }
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_NO_APPLICATION_PROTOCOL) {
    return Error(ErrorCode::kProtocol, "the peer asks for protocols that are not spoken here");
  }
  const char* const reason = ERR_reason_error_string(code);
  return Error(ErrorCode::kProtocol, fmt::format("TLS: {}", reason == nullptr ? "?" : reason));
}

// More cipher text. `block` is only where it passes through.
Task<Status> Fill(std::shared_ptr<State> state, std::span<uint8_t> block) {
  const auto got = co_await state->socket->Read(block);
  if (!state->open) co_return Cancelled();
  if (!got.ok() && got.error().code() == ErrorCode::kClosed) {
    co_return Error(ErrorCode::kUnavailable,
                    "the peer ended the connection without the end that TLS asks for");
  }
  if (!got.ok()) co_return got.error();
  CHECK(BIO_write(state->incoming(), block.data(), static_cast<int>(*got)) ==
        static_cast<int>(*got));
  co_return Status();
}

Task<Result<size_t>> ReadPlain(std::shared_ptr<State> state, std::span<uint8_t> out) {
  CHECK(!out.empty());
  for (;;) {
    if (!state->open) co_return Cancelled();
    size_t bytes = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(state->ssl.get(), out.data(), out.size(), &bytes);
    if (result == 1) co_return bytes;
    const int why = SSL_get_error(state->ssl.get(), result);
    if (why == SSL_ERROR_ZERO_RETURN) {
      co_return Error(ErrorCode::kClosed, "the peer closed the connection");
    }
    if (why != SSL_ERROR_WANT_READ) {
      state->broken = true;
      co_return TlsError();
    }
    if (PendingIn(state->outgoing()) > kUnsentAnswersMax) {
      co_return Error(ErrorCode::kProtocol, "the peer only talks about TLS");
    }
    // The caller's memory serves for the cipher text, too: it holds nothing yet.
    const auto block = out.first(std::min(out.size(), kReadBytesMax));
    PS_CO_TRY_VOID(co_await Fill(state, block));
  }
}

// Cipher text of a part of the bytes, into the outgoing buffer.
Status Encrypt(State& state, const ByteChain& bytes, size_t offset, size_t size) {
  Reserve(state.outgoing(),
          PendingIn(state.outgoing()) + size + (size / kRecordBytesMax + 1) * kRecordOverheadBytes);
  while (size > 0) {
    const size_t step = std::min(size, kRecordBytesMax);
    const Bytes record = bytes.Slice(offset, step).Flatten();
    size_t written = 0;
    ERR_clear_error();
    if (SSL_write_ex(state.ssl.get(), record.data(), record.size(), &written) != 1) {
      return TlsError();
    }
    CHECK(written == step);
    offset += step;
    size -= step;
  }
  return Status();
}

Task<Status> WriteBatches(std::shared_ptr<State> state, ByteChain bytes, bool more) {
  size_t offset = 0;
  while (offset < bytes.size()) {
    const size_t size = std::min(bytes.size() - offset, kBatchBytes);
    PS_CO_TRY_VOID(Encrypt(*state, bytes, offset, size));
    offset += size;
    ByteChain cipher(TakeFrom(state->outgoing()));
    if (more || offset < bytes.size()) {
      PS_CO_TRY_VOID(co_await state->socket->WriteMore(std::move(cipher)));
    } else {
      PS_CO_TRY_VOID(co_await state->socket->Write(std::move(cipher)));
    }
    if (!state->open) co_return Cancelled();
  }
  co_return Status();
}

Task<Status> WritePlain(std::shared_ptr<State> state, ByteChain bytes, bool more) {
  if (!state->open || state->broken || state->ended) co_return Cancelled();
  CHECK(!state->writing);
  state->writing = true;
  Status status = co_await WriteBatches(state, std::move(bytes), more);
  state->writing = false;
  if (!status.ok()) state->broken = true;
  co_return status;
}

// What the kernel would have sent from the page cache has to pass through here.
Task<Status> WriteSlice(std::shared_ptr<State> state, FileSlice slice) {
  while (slice.size > 0) {
    FileSlice step = slice;
    step.size = std::min<uint64_t>(slice.size, kBatchBytes);
    slice.offset += step.size;
    slice.size -= step.size;
    co_await FaultIn(step);
    const auto size = static_cast<size_t>(step.size);
    const auto block = std::make_shared_for_overwrite<uint8_t[]>(size);
    const ssize_t got = pread(step.file->fd(), block.get(), size, static_cast<off_t>(step.offset));
    if (got != static_cast<ssize_t>(size)) {
      co_return Error(ErrorCode::kIo, "the file ended before the bytes that were to be sent");
    }
    ByteChain bytes(Bytes(block, ByteSpan(block.get(), size)));
    PS_CO_TRY_VOID(co_await WritePlain(state, std::move(bytes), slice.size > 0));
  }
  co_return Status();
}

// Best effort: where the stream is closed right behind it, what the kernel does not take at once is
// never sent.
Task<void> SendLastWords(std::shared_ptr<State> state, Bytes bytes, bool shut) {
  ByteChain chain(std::move(bytes));
  (void)co_await state->socket->Write(std::move(chain));
  if (shut && state->open) state->socket->ShutdownWrite();
}

// close_notify, unless it would land in the middle of a record; `shut`: then the end of the bytes
// below, and not before, however slowly the peer reads.
void SayEnd(const std::shared_ptr<State>& state, bool shut) {
  if (!state->established || state->ended || state->writing || state->broken) {
    if (shut && !state->ended) state->socket->ShutdownWrite();
    return;
  }
  state->ended = true;
  ERR_clear_error();
  SSL_shutdown(state->ssl.get());
  ERR_clear_error();
  Bytes bytes = TakeFrom(state->outgoing());
  Detach(SendLastWords(state, std::move(bytes), shut));
}

class TlsStream final : public TcpStream {
 public:
  explicit TlsStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~TlsStream() override { Close(); }

  Task<Result<size_t>> Read(std::span<uint8_t> out) override { return ReadPlain(state_, out); }
  Task<Status> Write(ByteChain bytes) override {
    return WritePlain(state_, std::move(bytes), false);
  }
  Task<Status> WriteMore(ByteChain bytes) override {
    return WritePlain(state_, std::move(bytes), true);
  }
  Task<Status> SendFile(FileSlice slice) override { return WriteSlice(state_, std::move(slice)); }
  uint64_t bytes_written() const override { return state_->socket->bytes_written(); }

  void Interrupt() override { state_->socket->Interrupt(); }
  void Close() override {
    if (!state_->open) return;
    SayEnd(state_, false);
    state_->open = false;
    state_->socket->Close();
  }
  void ShutdownWrite() override {
    if (!state_->open) return;
    SayEnd(state_, true);
  }
  Result<std::unique_ptr<TcpStream>> MoveTo(EventLoop& loop) override {
    if (!state_->open) return Cancelled();
    PS_TRY(auto socket, state_->socket->MoveTo(loop));
    state_->open = false;
    auto moved = std::make_shared<State>(std::move(socket), std::move(state_->ssl), state_->door);
    moved->established = true;
    moved->broken = state_->broken;
    moved->ended = state_->ended;
    return std::make_unique<TlsStream>(std::move(moved));
  }

  Endpoint peer() const override { return state_->socket->peer(); }
  Endpoint local() const override { return state_->socket->local(); }
  EventLoop& loop() override { return state_->socket->loop(); }
  size_t readable() const override {
    if (!state_->open) return 0;
    return static_cast<size_t>(SSL_pending(state_->ssl.get())) +
           BIO_ctrl_pending(state_->incoming()) + state_->socket->readable();
  }

 private:
  std::shared_ptr<State> state_;
};

// To somebody who does not speak TLS, in words that it may understand. What more it sends is thrown
// away, so that no reset overtakes them.
Task<void> AnswerPlain(std::shared_ptr<State> state, std::span<uint8_t> block) {
  ByteChain words(Bytes::Copy(state->door.plain_answer));
  Status status = co_await state->socket->Write(std::move(words));
  if (!status.ok() || !state->open) co_return;
  state->socket->ShutdownWrite();
  for (size_t thrown_away = 0; status.ok() && thrown_away < limits::kTlsHandshakeBytesMax;) {
    const Result<size_t> got = co_await state->socket->Read(block);
    if (got.ok()) thrown_away += *got;
    if (!got.ok()) status = got.error();
  }
}

Task<Status> Shake(std::shared_ptr<State> state) {
  std::vector<uint8_t> block(4096);
  size_t read = 0;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(state->ssl.get());
    const int why = SSL_get_error(state->ssl.get(), result);
    const bool failed = result != 1 && why != SSL_ERROR_WANT_READ;
    const Error error = failed ? TlsError() : Cancelled();
    // Our part of the handshake; after a failure the alert that says why.
    ByteChain flight(TakeFrom(state->outgoing()));
    if (!flight.empty()) {
      const Status sent = co_await state->socket->Write(std::move(flight));
      if (!sent.ok() && !failed) co_return sent;
    }
    if (failed) co_return error;
    if (result == 1) co_return Status();
    if (read >= limits::kTlsHandshakeBytesMax) {
      co_return Error(ErrorCode::kProtocol, "the peer's TLS handshake has no end");
    }
    PS_CO_TRY_VOID(co_await Fill(state, block));
    if (read == 0 && !state->door.plain_answer.empty() && block[0] != kHandshakeRecord) {
      co_await AnswerPlain(state, block);
      co_return Error(ErrorCode::kProtocol, "the peer does not speak TLS at this port");
    }
    read += BIO_ctrl_pending(state->incoming());
  }
}

// The handshake within its time.
Task<Status> Establish(std::shared_ptr<State> state, milliseconds timeout, CancelToken token) {
  EventLoop& loop = state->socket->loop();
  bool late = false;
  const Executor::TimerId timer =
      loop.StartTimer(loop.SteadyNow() + timeout, [socket = state->socket.get(), &late] {
        late = true;
        socket->Interrupt();
      });
  const auto registration = token.OnCancel([socket = state->socket.get()] { socket->Interrupt(); });
  Status shaken;
  if (!token.cancelled()) shaken = co_await Shake(state);
  loop.StopTimer(timer);
  if (token.cancelled()) co_return Error(ErrorCode::kCancelled, "cancelled");
  if (shaken.ok()) {
    state->established = true;
    co_return shaken;
  }
  if (late && shaken.error().code() != ErrorCode::kProtocol) {
    co_return Error(ErrorCode::kTimeout,
                    fmt::format("the TLS handshake was not done within {:.0f} s",
                                std::chrono::duration<double>(timeout).count()));
  }
  if (shaken.error().code() == ErrorCode::kUnavailable) {
    co_return Error(ErrorCode::kUnavailable,
                    "the connection ended in the TLS handshake: " + shaken.error().message());
  }
  co_return shaken;
}

std::string WhyNotTrusted(long verdict, const std::string& host) {
  switch (verdict) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate is self-signed";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate is not valid yet";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("the certificate is not for {}", host);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate is signed by nobody whom this machine trusts";
    default:
      return fmt::format("the certificate is not trusted ({})",
                         X509_verify_cert_error_string(verdict));
  }
}

Status CheckCertificate(SSL* ssl, const TlsPeer& peer) {
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) {
    return Error(ErrorCode::kUnauthenticated, "the peer shows no certificate");
  }
  const std::string fingerprint = FingerprintOf(certificate);
  if (fingerprint == peer.fingerprint) return Status();
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_OK) return Status();
  return Error(
      ErrorCode::kUnauthenticated,
      fmt::format("{}; its SHA-256 fingerprint is {}{}", WhyNotTrusted(verdict, peer.host),
                  fingerprint, peer.fingerprint.empty() ? "" : ", which is not the accepted one"));
}

// Numeric addresses are looked for among the certificate's addresses; only names are told to the
// server, which may have a certificate for each.
void Expect(SSL* ssl, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return;
  ERR_clear_error();
  SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set1_host(ssl, host.c_str());
}

}  // namespace

Task<Secured> StartTlsClient(std::unique_ptr<TcpStream> stream, TlsPeer peer, milliseconds timeout,
                             CancelToken token) {
  const auto state = MakeState(std::move(stream), *peer.trust, TlsDoor());
  SSL_set_connect_state(state->ssl.get());
  Expect(state->ssl.get(), peer.host);
  PS_CO_TRY_VOID(co_await Establish(state, timeout, token));
  auto secured = std::make_unique<TlsStream>(state);
  PS_CO_TRY_VOID(CheckCertificate(state->ssl.get(), peer));
  co_return std::move(secured);
}

Task<Secured> StartTlsServer(std::unique_ptr<TcpStream> stream,
                             std::shared_ptr<const TlsContext> identity, milliseconds timeout,
                             CancelToken token, TlsDoor door) {
  const auto state = MakeState(std::move(stream), *identity, door);
  SSL_set_accept_state(state->ssl.get());
  PS_CO_TRY_VOID(co_await Establish(state, timeout, token));
  co_return std::make_unique<TlsStream>(state);
}

}  // namespace penstock::net
