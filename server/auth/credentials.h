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

// A key's secret or a viewer token. Authorization: Bearer or Basic, then ?key=, then the path
// segment of /hls/t/<key>/… (for players that keep neither header nor query when they follow a
// playlist). nullopt: none is shown; kUnauthenticated: one that cannot be understood.
Result<std::optional<Credentials>> FindCredentials(const net::HttpRequest& request);

// A path with the key of /hls/t/<key>/… taken out: "/hls/<stream>/…". Others come back as they are.
std::string WithoutPathKey(std::string_view path);

// The target as it may be logged: keys and viewer tokens replaced by ***.
std::string RedactTarget(std::string_view target);

// Who asks, once it is known that they may.
struct Caller {
  std::string name;              // the key's user; "local" without one
  std::optional<AccessKey> key;  // not set: trusted without a key, which is as good as an admin's
  // Set: it has shown a viewer token, which ends then; `key` is as a viewer's for that one stream.
  std::optional<ServerTime> until;

  bool MayRead(const StreamName& stream) const {
    return !key || key->Allows(Permission::kRead, stream);
  }
  bool IsAdmin() const { return !key || key->role == Role::kAdmin; }
  // No stream is hidden from it.
  bool MayReadAll() const {
    return !key || key->role == Role::kAdmin ||
           (key->AllowsAnywhere(Permission::kRead) && key->streams.empty());
  }
  // "kinesisvideo:GetMedia" on a stream, or on none in particular.
  bool MayDo(std::string_view action) const { return !key || key->AllowsAction(action); }
  bool MayDo(std::string_view action, const StreamName& stream) const {
    return !key ||
           (key->AllowsAction(action) && (key->role == Role::kAdmin || key->Covers(stream)));
  }
};

// May this request do that? `stream` is not set where the operation is about none in particular.
// kUnauthenticated asks the client to show a key; kForbidden says that this key is not enough.
Result<Caller> Authorize(const net::HttpRequest& request, const KeyRing& keys,
                         Permission permission, const std::optional<StreamName>& stream);

// Who has shown a viewer token that opens this stream until then.
Caller TokenCaller(const StreamName& stream, ServerTime until);

}  // namespace penstock::server
