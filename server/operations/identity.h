// Who sent a signed request.
#pragma once

#include <optional>
#include <variant>

#include "net/http/http.h"
#include "server/auth/credentials.h"
#include "server/auth/key_ring.h"
#include "server/auth/sigv4/claim.h"

namespace penstock::server::aws {

// A request whose head has been judged: all that can be said before its body is there.
struct Identity {
  std::optional<sigv4::Claim> claim;  // to be checked against the body with the key's secret
  std::optional<AccessKey> key;       // not set: trusted without one
};

// The rules, in this order:
//  - over the Unix-domain socket, and without a signature on trusted loopback: trusted;
//  - on trusted loopback, signed with a key that we do not know: trusted, too. SDKs cannot but
//  sign,
//    and whoever is trusted without a signature gains nothing by a wrong one;
//  - else the signature has to be of a key of ours, for this service and of this hour, and with a
//    temporary key comes its session token, with others none.
std::variant<Identity, sigv4::Fault> ReadIdentity(const net::HttpRequest& request,
                                                  const KeyRing& keys, std::string_view service,
                                                  ServerTime now);

// The rest, when the body has come.
std::optional<sigv4::Fault> CheckIdentity(const Identity& identity, const net::HttpRequest& request,
                                          std::string_view body);

}  // namespace penstock::server::aws
