#include "ingest/rtsp/digest.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {

namespace {

std::string Hex(DigestAlgorithm algorithm, std::string_view text) {
  const EVP_MD* const method = algorithm == DigestAlgorithm::kMd5 ? EVP_md5() : EVP_sha256();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest, &bytes, method, nullptr) == 1);
  std::string out;
  for (unsigned int i = 0; i < bytes; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

}  // namespace

std::optional<DigestAlgorithm> ParseDigestAlgorithm(std::string_view name) {
  if (name.empty() || EqualsIgnoreCase(name, "MD5")) return DigestAlgorithm::kMd5;
  if (EqualsIgnoreCase(name, "SHA-256")) return DigestAlgorithm::kSha256;
  return std::nullopt;
}

std::string Base64Encode(std::string_view text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  const int bytes = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()));
  out.resize(static_cast<size_t>(bytes));
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  std::string padded(Trim(text));
  while (padded.ends_with('=')) padded.pop_back();
  if (padded.size() % 4 == 1) return std::nullopt;
  // OpenSSL would step over blanks, and take a '=' anywhere.
  for (const char c : padded) {
    if (c <= ' ' || c == '=') return std::nullopt;
  }
  const size_t padding = (4 - padded.size() % 4) % 4;
  padded.append(padding, '=');
  std::string out(padded.size() / 4 * 3, '\0');
  const int bytes = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                    reinterpret_cast<const unsigned char*>(padded.data()),
                                    static_cast<int>(padded.size()));
  if (bytes < 0) return std::nullopt;
  out.resize(static_cast<size_t>(bytes) - padding);
  return out;
}

bool EqualsConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view AuthHeader::Get(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return std::string_view();
}

AuthHeader ParseAuthHeader(std::string_view value) {
  AuthHeader header;
  const auto [scheme, rest] = Cut(Trim(value), ' ');
  header.scheme = ToLower(scheme);
  header.token = Trim(rest);
  for (const std::string_view part : Split(Trim(rest), ',')) {
    const auto [name, text] = Cut(part, '=');
    header.parameters.emplace_back(ToLower(Trim(name)), std::string(Unquote(Trim(text))));
  }
  return header;
}

std::string DigestResponse(const DigestInput& input) {
  const auto hex = [&](std::string_view text) { return Hex(input.algorithm, text); };
  const std::string ha1 = hex(fmt::format("{}:{}:{}", input.user, input.realm, input.password));
  const std::string ha2 = hex(fmt::format("{}:{}", input.method, input.uri));
  if (input.qop.empty()) return hex(fmt::format("{}:{}:{}", ha1, input.nonce, ha2));
  return hex(
      fmt::format("{}:{}:{}:{}:{}:{}", ha1, input.nonce, input.nc, input.cnonce, input.qop, ha2));
}

}  // namespace penstock::ingest::rtsp
