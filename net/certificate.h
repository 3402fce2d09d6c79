// What a certificate says. Its authority and its trust are others' business (tls.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

struct x509_st;  // OpenSSL's X509

namespace penstock::net {

struct CertificateFacts {
  std::string subject;             // "CN=cam.example"
  std::string issuer;              // likewise
  std::vector<std::string> names;  // whom it is for: "cam.example", "192.0.2.7", "::1"
  std::string fingerprint;         // SHA-256 over its DER form: 64 small hexadecimal digits
  ServerTime begins;
  ServerTime ends;
};

// The first certificate of a PEM text. kInvalidArgument if there is none.
Result<CertificateFacts> ReadCertificate(std::string_view pem);

// For those who have OpenSSL's own.
CertificateFacts FactsOf(const x509_st* certificate);
std::string FingerprintOf(const x509_st* certificate);

}  // namespace penstock::net
