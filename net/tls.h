// TLS 1.2 and 1.3 over a byte stream, at both ends. A TLS stream is a TcpStream like any other:
// same loop, same rules, same errors, and besides kProtocol (what came was not TLS, or was tampered
// with). Where the peer's bytes end without close_notify, reading says kUnavailable, not kClosed:
// somebody may have cut them.
//
// Memory: 18 KB for each connection after its handshake, up to 90 KB once much was read and
// written: buffers keep their size. In its handshake it has read at most
// limits::kTlsHandshakeBytesMax. No threads; the handshake's arithmetic, about a millisecond at the
// server, is done on the loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/tcp.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace penstock::net {

// What one end brings to all its connections. Immutable, thread-safe.
class TlsContext {
 public:
  explicit TlsContext(ssl_ctx_st* taken);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  ssl_ctx_st* native() const { return context_; }

 private:
  ssl_ctx_st* const context_;
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
                                                        CancelToken token);

}  // namespace penstock::net
