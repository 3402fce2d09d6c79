// Certificates, keys and whom to trust.
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/tls.h"

namespace penstock::net {
namespace {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// What OpenSSL says of the call that has just failed.
std::string WhatFailed() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown" : reason;
}

Error Faulty(const std::string& file, const std::string& what) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", file, what));
}

Status CheckReadable(const std::string& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (in && in.peek() != std::ifstream::traits_type::eof()) return Status();
  return Faulty(file, errno == 0 ? "the file is empty"
                                 : fmt::format("cannot be read: {}", std::strerror(errno)));
}

// Without it OpenSSL would ask at the terminal.
int NoPassword(char*, int, int, void*) { return 0; }

// What both ends share. Sessions are never resumed: connections last for days, and what is not
// kept cannot grow.
ssl_ctx_st* MakeContext(const SSL_METHOD* method) {
  SSL_CTX* const context = SSL_CTX_new(method);
  CHECK(context != nullptr);
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
  SSL_CTX_set_default_passwd_cb(context, NoPassword);
  return context;
}

// ALPN at a server: the best of what its door speaks, which hangs at the connection.
int ChooseProtocol(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  const auto* const door = static_cast<const TlsDoor*>(SSL_get_app_data(ssl));
  if (door == nullptr || door->protocols.empty()) return SSL_TLSEXT_ERR_NOACK;
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(
      &found, size, reinterpret_cast<const unsigned char*>(door->protocols.data()),
      static_cast<unsigned int>(door->protocols.size()), offered, offered_size);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// Whether the certificate is good is decided after the handshake (tls_stream.cc), where its
// fingerprint can be told to people. Level 1: cameras have keys of 1,024 bits; no public authority
// signs those.
ssl_ctx_st* MakeClientContext() {
  SSL_CTX* const context = MakeContext(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_security_level(context, 1);
  return context;
}

bool Mismatch(unsigned long code) {
  return ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                               ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
}

}  // namespace

TlsContext::TlsContext(ssl_ctx_st* taken, CertificateFacts shown)
    : context_(taken), shown_(std::move(shown)) {}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const TlsContext>> LoadTlsIdentity(std::string certificate_file,
                                                          std::string key_file) {
  PS_TRY_VOID(CheckReadable(certificate_file));
  PS_TRY_VOID(CheckReadable(key_file));
  const std::unique_ptr<SSL_CTX, ContextDeleter> owned(MakeContext(TLS_server_method()));
  SSL_CTX* const context = owned.get();
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return Faulty(certificate_file,
                  fmt::format("no certificate in PEM form that can be used ({})", WhatFailed()));
  }
  const int used = SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM);
  if (used != 1 && ERR_GET_REASON(ERR_peek_error()) == PEM_R_BAD_PASSWORD_READ) {
    ERR_clear_error();
    return Faulty(key_file, "the key is encrypted; a server needs one without a password");
  }
  if (used != 1 && !Mismatch(ERR_peek_error())) {
    return Faulty(key_file,
                  fmt::format("no private key in PEM form that can be used ({})", WhatFailed()));
  }
  if (used != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return Faulty(key_file, fmt::format("the key does not belong to the certificate in {}",
                                        certificate_file));
  }
  CertificateFacts facts = FactsOf(SSL_CTX_get0_certificate(context));
  // Its own reference: `owned` gives up the one it has.
  SSL_CTX_up_ref(context);
  return std::make_shared<const TlsContext>(context, std::move(facts));
}

std::shared_ptr<const TlsContext> SystemTlsTrust() {
  static const std::shared_ptr<const TlsContext> trust = [] {
    ssl_ctx_st* const context = MakeClientContext();
    // Best effort: on a machine without any, fingerprints are what remains.
    SSL_CTX_set_default_verify_paths(context);
    return std::make_shared<const TlsContext>(context);
  }();
  return trust;
}

Result<std::shared_ptr<const TlsContext>> LoadTlsTrust(std::string authorities_file) {
  PS_TRY_VOID(CheckReadable(authorities_file));
  const auto trust = std::make_shared<const TlsContext>(MakeClientContext());
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(trust->native(), authorities_file.c_str()) != 1) {
    return Faulty(authorities_file, fmt::format("no certificates in PEM form ({})", WhatFailed()));
  }
  return trust;
}

Result<std::string> ParseFingerprint(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == ':') continue;
    const bool digit = c >= '0' && c <= '9';
    const char small = digit ? c : static_cast<char>(c | 0x20);
    if (!digit && (small < 'a' || small > 'f')) digits.resize(65);
    digits += small;
  }
  if (digits.size() == 64) return digits;
  return Error(ErrorCode::kInvalidArgument,
               "a certificate's SHA-256 fingerprint is 64 hexadecimal digits, with or without "
               "colons");
}

}  // namespace penstock::net
