#include "server/auth/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace penstock::server {

std::string HmacSha256(std::string_view key, std::string_view text) {
  constexpr size_t kDigestBytes = 32;
  std::string out(kDigestBytes, '\0');
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(),
             reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr);
  CHECK(size == kDigestBytes);
  return out;
}

}  // namespace penstock::server
