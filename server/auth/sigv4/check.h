// Whether a claim holds. Pure: time, secret and body are the caller's.
#pragma once

#include <optional>

#include "server/auth/sigv4/claim.h"

namespace penstock::server::sigv4 {

// How far a client's clock may be off, either way.
inline constexpr std::chrono::minutes kSkewMax{5};

// Service of the scope, and the clock. Any region is as good as another here.
std::optional<Fault> CheckScope(const Claim& claim, std::string_view service, ServerTime now);

// What the signature says the body's hash is: the x-amz-content-sha256 field, or that of the body.
// kInvalid if the field is a digest and the body has another.
std::variant<std::string, Fault> PayloadHash(const net::Headers& headers, std::string_view body);

// Takes the same time wherever they differ.
std::optional<Fault> CheckSignature(const SignedRequest& request, const Claim& claim,
                                    std::string_view payload_hash, std::string_view secret);

Fault UnknownKey();
Fault ExpiredToken();

}  // namespace penstock::server::sigv4
