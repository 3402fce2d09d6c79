// Certificates as cameras and authorities have them, made anew for each test.
#pragma once

#include <string>

namespace penstock::testing {

struct CertificateOptions {
  std::string host = "127.0.0.1";  // a name, or an IPv4 address
  int from_days = -1;              // before (negative) or after now
  int until_days = 30;
  bool authority = false;  // may sign others
};

struct Certificate {
  std::string pem;
  std::string key_pem;
  std::string fingerprint;  // 64 small hexadecimal digits
};

// Self-signed.
Certificate MakeCertificate(const CertificateOptions& options = {});
Certificate MakeCertificate(const CertificateOptions& options, const Certificate& issuer);

}  // namespace penstock::testing
