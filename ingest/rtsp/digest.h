// Digest authentication with MD5 (RFC 2617; what RTSP peers speak) or SHA-256 (RFC 7616), and
// Base64 for Basic.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace penstock::ingest::rtsp {

enum class DigestAlgorithm { kMd5, kSha256 };

// By the name in a challenge, whatever its case; without one it is MD5. nullopt for others, among
// them those whose key changes with each session ("-sess").
std::optional<DigestAlgorithm> ParseDigestAlgorithm(std::string_view name);

std::string Base64Encode(std::string_view text);
// nullopt for anything that is not Base64; missing padding is accepted.
std::optional<std::string> Base64Decode(std::string_view text);
// The time it takes does not depend on where they differ.
bool EqualsConstantTime(std::string_view a, std::string_view b);

// "Digest realm="x", nonce="y"" -> scheme and parameters, names in lower case, values unquoted.
struct AuthHeader {
  std::string scheme;  // lower case
  std::string token;   // what follows the scheme when it is no list (Basic)
  std::vector<std::pair<std::string, std::string>> parameters;

  std::string_view Get(std::string_view name) const;  // empty if absent
};
AuthHeader ParseAuthHeader(std::string_view value);

// The parts a digest response is computed from.
struct DigestInput {
  DigestAlgorithm algorithm = DigestAlgorithm::kMd5;
  std::string user;
  std::string realm;
  std::string password;
  std::string nonce;
  std::string method;
  std::string uri;
  // Only with qop=auth; empty without.
  std::string qop;
  std::string nc;
  std::string cnonce;
};
std::string DigestResponse(const DigestInput& input);

}  // namespace penstock::ingest::rtsp
