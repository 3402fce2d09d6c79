// One access key: a name that is its user name, a secret, and what it may do.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/authorizer.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/time.h"

namespace penstock::server {

enum class Role {
  kViewer,     // play, list, export
  kPublisher,  // send media, and nothing else: the key lies in a camera
  kAdmin,      // everything
  kCustom,     // just the actions that were listed when it was made
};
std::string_view RoleName(Role role);  // "viewer"
Result<Role> ParseRole(std::string_view text);

struct AccessKey {
  std::string user;  // [a-zA-Z0-9_.-]{1,64}
  Role role = Role::kViewer;
  std::vector<std::string>
      streams;  // names, or beginnings ending in '*'; empty: all. An admin's list is empty
  ServerTime created;
  // Of a custom key: what it may do, in the names of Amazon's API: "GetMedia", beginnings ending in
  // '*', each with or without its service in front ("kinesisvideo:List*").
  std::vector<std::string> actions;
  // Set: a temporary key. It signs requests, with its session token, until then, and is good for
  // nothing else.
  std::optional<ServerTime> expires;
  std::string secret;

  bool Covers(const StreamName& stream) const;
  // Publishing is PutMedia, reading is GetMedia, whatever the protocol.
  bool Allows(Permission permission, const StreamName& stream) const;
  // On some stream or other.
  bool AllowsAnywhere(Permission permission) const;
  // "kinesisvideo:GetMedia", on no stream in particular.
  bool AllowsAction(std::string_view action) const;
};

// As stored, with the secret sealed by the caller, in hexadecimal.
Json AccessKeyToJson(const AccessKey& key, std::string_view sealed_hex);
struct StoredKey {
  AccessKey key;  // without its secret
  std::string sealed_hex;
};
Result<StoredKey> AccessKeyFromJson(const Json& json);

// What a person may type as a key's name or as a stream pattern; kInvalidArgument says what is
// wrong.
Status CheckUserName(std::string_view user);
Status CheckStreamPattern(std::string_view pattern);
Status CheckActionPattern(std::string_view pattern);

// 32 letters and digits without look-alikes: 160 bits.
std::string MakeSecret();

// Takes the same time wherever they differ.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace penstock::server
