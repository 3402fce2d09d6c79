// Who may do what, asked by front ends that need not know how identities are kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace penstock {

enum class Permission {
  kPublish,  // send media into a stream (which creates it if it is not there)
  kRead,     // play, list, export
  kAdmin,    // sources, keys, configuration
};

// What is known about where a request came from.
struct Origin {
  bool loopback = false;  // loopback peer address, and for HTTP also Host, forwarding headers and
                          // Origin as DESIGN §9 asks
  std::string peer;       // "127.0.0.1:41234", for logs
};

// Thread-safe. Does not block.
class Authorizer {
 public:
  virtual ~Authorizer() = default;

  // A request without any credential. Ok on trusted loopback; otherwise kUnauthenticated.
  virtual Status Anonymous(const Origin& origin, Permission permission,
                           const StreamName& stream) const = 0;

  // A key given as a secret: Basic password, bearer token, ?key=. `user` may be empty; it is then
  // not compared.
  virtual Status Secret(std::string_view user, std::string_view secret, Permission permission,
                        const StreamName& stream) const = 0;

  // The secret of the key whose user name is `user`, for challenge-response schemes (RTSP and HTTP
  // Digest). The caller proves that the peer knows it and then asks Secret what it may do; until
  // then the peer must not learn whether there is such a user. kUnauthenticated if there is none.
  virtual Result<std::string> SecretFor(std::string_view user) const = 0;
};

}  // namespace penstock
