// The key that seals all others: 32 random bytes in <data>/master.key, readable by the server's
// user only.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::server {

// Seals small secrets (AES-256-GCM). Thread-safe. The key is wiped from memory at the end.
class MasterKey {
 public:
  // Reads the file, or makes it (mode 0600, synced, with its folder) if it is not there. kForbidden
  // if others may read it; kCorruption if it is not 64 hexadecimal digits. Blocks.
  static Result<MasterKey> OpenOrCreate(const std::filesystem::path& file);
  // For tests.
  explicit MasterKey(const std::array<uint8_t, 32>& key) : key_(key) {}

  MasterKey(const MasterKey&) = default;
  MasterKey& operator=(const MasterKey&) = default;
  ~MasterKey();

  // nonce(12) || ciphertext || tag(16). `context` is authenticated with it, so that a sealed secret
  // cannot be moved to another key's entry.
  std::string Seal(std::string_view secret, std::string_view context) const;
  // kCorruption if it was sealed with another key or context, or was changed.
  Result<std::string> Unseal(std::string_view sealed, std::string_view context) const;

  // Another key of 32 bytes for the purpose that `label` names; it tells nothing of this one nor of
  // those for other purposes. The same one each time.
  std::string Derive(std::string_view label) const;

 private:
  std::array<uint8_t, 32> key_{};
};

}  // namespace penstock::server
