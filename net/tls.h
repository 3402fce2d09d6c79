// TLS 1.2 and 1.3 over a byte stream, at both ends. A TLS stream is a TcpStream like any other:
// same loop, same rules, same errors, and besides kProtocol (what came was not TLS, or was tampered
// with). Where the peer's bytes end without close_notify, reading says kUnavailable, not kClosed:
// somebody may have cut them.
//
// Memory: 18 KB for each connection after its handshake, more while bytes pass through. In its
// handshake it has read at most
// limits::kTlsHandshakeBytesMax. No threads; the handshake's arithmetic, about a millisecond at the
// server, is done on the loop.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/certificate.h"
#include "net/tcp.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace penstock::net {

// What one end brings to all its connections. Immutable, thread-safe.
class TlsContext {
 public:
  explicit TlsContext(ssl_ctx_st* taken, CertificateFacts shown = CertificateFacts());
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  ssl_ctx_st* native() const { return context_; }
  // Of the certificate that it shows; empty where it shows none.
  const CertificateFacts& shown() const { return shown_; }

 private:
  ssl_ctx_st* const context_;
  const CertificateFacts shown_;
};

// The certificate of a server's doors. Another takes its place for the connections that come then;
// those that are there keep what they began with. Thread-safe.
class TlsIdentity {
 public:
  explicit TlsIdentity(std::shared_ptr<const TlsContext> first) : context_(std::move(first)) {
    CHECK(context_ != nullptr);
  }
  std::shared_ptr<const TlsContext> Get() const {
    const std::lock_guard lock(mutex_);
    return context_;
  }
  void Set(std::shared_ptr<const TlsContext> next) {
    CHECK(next != nullptr);
    const std::lock_guard lock(mutex_);
    context_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsContext> context_;  // never null
};

// A server's certificate, with the chain behind it, and the key to it: PEM files. kInvalidArgument
// names the file and says what is wrong with it, in words for people.
Result<std::shared_ptr<const TlsContext>> LoadTlsIdentity(std::string certificate_file,
                                                          std::string key_file);
// Whose signatures a client trusts: the system's certificate authorities, or those of a PEM file.
std::shared_ptr<const TlsContext> SystemTlsTrust();
Result<std::shared_ptr<const TlsContext>> LoadTlsTrust(std::string authorities_file);

// 64 hexadecimal digits, with or without colons -> 64 small ones without. kInvalidArgument.
Result<std::string> ParseFingerprint(std::string_view text);

// Who is expected at the other end. A certificate is accepted if somebody trusted signed it for
// `host`, or if it has this fingerprint (SHA-256 over its DER form, as ParseFingerprint returns
// it): then whoever signed it, whatever it is for and whenever it ends.
struct TlsPeer {
  std::shared_ptr<const TlsContext> trust;
  std::string host;         // a name or a numeric address
  std::string fingerprint;  // empty: none
};

// What a server speaks beneath TLS. Both texts outlive every connection.
struct TlsDoor {
  // As ALPN lists them, the best first: each with its length in a byte before it. A peer that asks
  // for others only is refused with the alert for that. Empty: whatever it asks for, it is told
  // nothing.
  std::string_view protocols;
  // Sent to a peer whose first byte is not TLS's, before the connection ends with kProtocol.
  std::string_view plain_answer;
};

// The handshakes. The time limit is for all of one; a peer that stalls costs nothing but its memory
// until then. kTimeout, kCancelled by the token, kProtocol; at the client kUnauthenticated with the
// reason and the fingerprint if the certificate is not accepted: nothing but the handshake was sent
// then.
Task<Result<std::unique_ptr<TcpStream>>> StartTlsClient(std::unique_ptr<TcpStream> stream,
                                                        TlsPeer peer,
                                                        std::chrono::milliseconds timeout,
                                                        CancelToken token);
Task<Result<std::unique_ptr<TcpStream>>> StartTlsServer(std::unique_ptr<TcpStream> stream,
                                                        std::shared_ptr<const TlsContext> identity,
                                                        std::chrono::milliseconds timeout,
                                                        CancelToken token,
                                                        TlsDoor door = TlsDoor());

}  // namespace penstock::net
