#include "server/auth/sigv4/check.h"

#include <fmt/format.h>

#include "server/auth/access_key.h"
#include "server/auth/sigv4/signature.h"

namespace penstock::server::sigv4 {
namespace {

constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";
constexpr std::string_view kStreaming = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

Fault Invalid(std::string message) { return Fault{Fault::kInvalid, std::move(message)}; }

}  // namespace

std::optional<Fault> CheckScope(const Claim& claim, std::string_view service, ServerTime now) {
  if (claim.service != service)
    return Invalid(fmt::format("Credential should be scoped to correct service: '{}'.", service));
  const ServerTime latest = claim.time + (claim.presigned ? claim.expires : kSkewMax);
  if (now > latest) {
    if (claim.presigned) {
      return Invalid(fmt::format("Signature expired: {} is now earlier than {}",
                                 FormatBasicTime(latest), FormatBasicTime(now)));
    }
    return Invalid(fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)",
                               claim.timestamp, FormatBasicTime(now - kSkewMax),
                               FormatBasicTime(now), kSkewMax.count()));
  }
  if (claim.time > now + kSkewMax) {
    return Invalid(fmt::format(
        "Signature not yet current: {} is still later than {} ({} + {} min.)", claim.timestamp,
        FormatBasicTime(now + kSkewMax), FormatBasicTime(now), kSkewMax.count()));
  }
  return std::nullopt;
}

std::variant<std::string, Fault> PayloadHash(const net::Headers& headers, std::string_view body) {
  const std::string actual = Sha256Hex(body);
  const std::string_view claimed = headers.Get("x-amz-content-sha256");
  if (claimed.empty()) return actual;
  if (claimed == kUnsigned || claimed == kStreaming || claimed == actual)
    return std::string(claimed);
  return Invalid("The body does not have the hash that x-amz-content-sha256 says.");
}

std::optional<Fault> CheckSignature(const SignedRequest& request, const Claim& claim,
                                    std::string_view payload_hash, std::string_view secret) {
  if (ConstantTimeEqual(Sign(request, claim, payload_hash, secret), claim.signature))
    return std::nullopt;
  return Invalid(
      "The request signature we calculated does not match the signature you provided. Check your "
      "AWS Secret Access Key and signing method. Consult the service documentation for details.");
}

Fault UnknownKey() {
  return Fault{Fault::kUnknownKey, "The security token included in the request is invalid."};
}

Fault ExpiredToken() {
  return Fault{Fault::kExpiredToken, "The security token included in the request is expired"};
}

}  // namespace penstock::server::sigv4
