// What a request says of its own signature (AWS Signature Version 4), read and not yet believed.
// Source: Amazon's public description of the scheme; what clients make of it is in docs/aws-api.md.
// Pure, and free of coroutines, so that it can be fuzzed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "net/http/headers.h"

namespace penstock::server::sigv4 {

// Why a signature is not accepted. What each kind is called on the wire: server/wire/errors.
struct Fault {
  enum Kind {
    kMissing,       // no signature is shown
    kIncomplete,    // one that lacks something or cannot be understood
    kUnknownKey,    // of a key, or with a session token, that we do not know
    kExpiredToken,  // with a session token that has ended
    kInvalid,       // wrong, too old, too new, or for something else
  };
  Kind kind;
  std::string message;  // for the client; holds nothing secret
};

// The parts of a request that signatures are about. The views live as long as the request.
struct SignedRequest {
  std::string_view method;
  std::string_view target;  // as received: path, and query behind '?'
  const net::Headers& headers;
};

struct Claim {
  std::string access_key;
  std::string date;  // yyyymmdd
  std::string region;
  std::string service;
  std::string timestamp;                    // yyyymmddThhmmssZ; begins with date
  ServerTime time;                          // the same
  std::vector<std::string> signed_headers;  // in the order given
  std::string signature;                    // 64 small hexadecimal digits
  bool presigned = false;                   // in the query, valid for `expires`
  std::chrono::seconds expires{0};
  std::optional<std::string> token;  // the session token that came with it; empty if several did

  std::string Scope() const { return date + "/" + region + "/" + service + "/aws4_request"; }
};

// Whether there is anything to read: an Authorization field of this scheme, or its query
// parameters.
bool IsSigned(const SignedRequest& request);

std::variant<Claim, Fault> ReadClaim(const SignedRequest& request);

// "20260115T120000Z".
std::optional<ServerTime> ParseBasicTime(std::string_view text);
std::string FormatBasicTime(ServerTime time);

}  // namespace penstock::server::sigv4
