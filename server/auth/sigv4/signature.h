// The arithmetic of Signature Version 4: from a request and a secret to 64 hexadecimal digits.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "server/auth/sigv4/claim.h"

namespace penstock::server::sigv4 {

inline constexpr std::string_view kEmptyPayload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// SHA-256 as small hexadecimal digits.
std::string Sha256Hex(std::string_view text);

// Method, path as sent, sorted query without the signature, the signed headers in the claim's order
// and only those, their names, the payload's hash. Headers that are signed but not there count as
// empty; several of one name are joined by commas.
std::string CanonicalRequest(const SignedRequest& request, const Claim& claim,
                             std::string_view payload_hash);

// The signature the request ought to have.
std::string Sign(const SignedRequest& request, const Claim& claim, std::string_view payload_hash,
                 std::string_view secret);

}  // namespace penstock::server::sigv4
