// What a request shows to prove who it is, found wherever HTTP clients are able to put it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/authorizer.h"
#include "net/http/http.h"
#include "server/auth/key_ring.h"

namespace penstock::server {

struct Credentials {
  std::string user;  // empty unless it came as Basic
  std::string secret;
};

// Authorization: Bearer or Basic, then ?key=, then the path segment of /hls/t/<key>/… (for players
// that keep neither header nor query when they follow a playlist). nullopt: none is shown;
// kUnauthenticated: one that cannot be understood.
Result<std::optional<Credentials>> FindCredentials(const net::HttpRequest& request);

// A path with the key of /hls/t/<key>/… taken out: "/hls/<stream>/…". Others come back as they are.
std::string WithoutPathKey(std::string_view path);

// The target as it may be logged: keys replaced by ***.
std::string RedactTarget(std::string_view target);

// May this request do that? `stream` is not set where the operation is about none.
// kUnauthenticated asks the client to show a key; kForbidden says that this key is not enough.
Status Authorize(const net::HttpRequest& request, const KeyRing& keys, Permission permission,
                 const std::optional<StreamName>& stream);

}  // namespace penstock::server
