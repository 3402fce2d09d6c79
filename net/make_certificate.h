// A private authority and certificates that it signs: for networks whose machines no public
// authority knows. ECDSA on P-256. Pure but for random numbers; no files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace penstock::net {

// Both are secrets' and certificates' PEM texts.
struct KeyAndCertificate {
  std::string key;          // PKCS #8, not encrypted
  std::string certificate;  // one
};

struct Validity {
  ServerTime from;
  ServerTime until;
};

// May sign servers' certificates and nothing that signs others. `name` is what people see of it.
KeyAndCertificate MakeAuthority(std::string_view name, Validity validity);

// "cam.example", "*.example", "192.0.2.7" or "::1": whether a certificate can be for it.
// kInvalidArgument says what is wrong with it.
Status CheckCertificateName(std::string_view name);

// For a server that is reached by these names and numeric addresses (at least one, all of them
// checked). kInvalidArgument if the authority's texts cannot be used or do not belong together. It
// ends when the authority does, if that is earlier.
Result<KeyAndCertificate> MakeServerCertificate(const KeyAndCertificate& authority,
                                                const std::vector<std::string>& names,
                                                Validity validity);

}  // namespace penstock::net
