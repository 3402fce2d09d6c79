#include "server/operations/identity.h"

#include "server/auth/sigv4/check.h"
#include "server/auth/trust.h"

namespace penstock::server::aws {
namespace {

sigv4::SignedRequest SignedPartOf(const net::HttpRequest& request) {
  return sigv4::SignedRequest{request.method, request.target, request.headers};
}

}  // namespace

std::variant<Identity, sigv4::Fault> ReadIdentity(const net::HttpRequest& request,
                                                  const KeyRing& keys, std::string_view service,
                                                  ServerTime now) {
  if (request.over_unix_socket) return Identity();
  const bool trusted = keys.trusts_loopback() && IsTrusted(request);
  if (trusted && !sigv4::IsSigned(SignedPartOf(request)) && !request.headers.Has("Authorization"))
    return Identity();
  auto read = sigv4::ReadClaim(SignedPartOf(request));
  if (auto* fault = std::get_if<sigv4::Fault>(&read)) return std::move(*fault);
  Identity identity;
  identity.claim = std::move(std::get<sigv4::Claim>(read));
  identity.key = keys.Find(identity.claim->access_key);
  if (!identity.key && trusted) return Identity();
  if (auto fault = sigv4::CheckScope(*identity.claim, service, now)) return std::move(*fault);
  switch (keys.JudgeToken(identity.claim->access_key, identity.key, identity.claim->token, now)) {
    case KeyRing::TokenVerdict::kFits:
      return identity;
    case KeyRing::TokenVerdict::kExpired:
      return sigv4::ExpiredToken();
    case KeyRing::TokenVerdict::kWrong:
      break;
  }
  return sigv4::UnknownKey();
}

std::optional<sigv4::Fault> CheckIdentity(const Identity& identity, const net::HttpRequest& request,
                                          std::string_view body) {
  if (!identity.claim) return std::nullopt;
  const auto hash = sigv4::PayloadHash(request.headers, body);
  if (const auto* fault = std::get_if<sigv4::Fault>(&hash)) return *fault;
  return sigv4::CheckSignature(SignedPartOf(request), *identity.claim, std::get<std::string>(hash),
                               identity.key->secret);
}

}  // namespace penstock::server::aws
