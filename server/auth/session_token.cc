#include "server/auth/session_token.h"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>

#include "base/check.h"
#include "server/auth/hex.h"

namespace penstock::server {
namespace {

// A stream's name has 256 characters at most, and everything else less than 100.
constexpr size_t kTokenBytesMax = 1024;

MasterKey KeyOf(const MasterKey& master, std::string_view purpose) {
  std::string derived = master.Derive(purpose);
  std::array<uint8_t, 32> key{};
  CHECK(derived.size() == key.size());
  std::copy(derived.begin(), derived.end(), key.begin());
  MasterKey out(key);
  OPENSSL_cleanse(derived.data(), derived.size());
  OPENSSL_cleanse(key.data(), key.size());
  return out;
}

}  // namespace

SessionTokens::SessionTokens(const MasterKey& master, std::string_view purpose)
    : purpose_(purpose), key_(KeyOf(master, purpose)) {}

std::string SessionTokens::Seal(std::string_view text) const {
  return ToBase64Url(AsBytes(key_.Seal(text, purpose_)));
}

std::optional<std::string> SessionTokens::Open(std::string_view token) const {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  const auto sealed = FromBase64Url(token);
  if (!sealed) return std::nullopt;
  auto text = key_.Unseal(*sealed, purpose_);
  if (!text.ok()) return std::nullopt;
  return std::move(*text);
}

}  // namespace penstock::server
