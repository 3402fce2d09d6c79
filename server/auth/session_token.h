// What a playback session carries along in each of its URLs, and what comes with a temporary key:
// sealed, so that nobody can change it or look into it, and never stored.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/auth/master_key.h"

namespace penstock::server {

// base64url without padding of nonce, ciphertext and tag (AES-256-GCM), under a key derived from
// master.key for this purpose alone. Thread-safe.
class SessionTokens {
 public:
  // Tokens of one purpose are nothing to those of another. `purpose` is a literal.
  explicit SessionTokens(const MasterKey& master, std::string_view purpose = kForPlayback);

  static constexpr std::string_view kForPlayback = "penstock playback session v1";
  static constexpr std::string_view kForKeys = "penstock temporary key v1";

  std::string Seal(std::string_view text) const;
  // nullopt for everything that Seal did not make.
  std::optional<std::string> Open(std::string_view token) const;

 private:
  const std::string_view purpose_;
  const MasterKey key_;
};

}  // namespace penstock::server
