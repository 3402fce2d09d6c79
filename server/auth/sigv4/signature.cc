#include "server/auth/sigv4/signature.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/check.h"
#include "server/auth/hex.h"
#include "server/auth/hmac.h"
#include "server/auth/sigv4/query.h"

namespace penstock::server::sigv4 {
namespace {

constexpr size_t kDigestBytes = 32;

std::string CanonicalQuery(std::string_view target) {
  auto pairs = ReadQuery(target).value_or(Pairs());
  for (auto& [name, value] : pairs) {
    name = UriEncode(name);
    value = UriEncode(value);
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (name == "X-Amz-Signature") continue;
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

// Without blanks at both ends, and one where there were several.
void AppendTrimmed(std::string& out, std::string_view value) {
  bool blank = false;
  for (const char c : net::TrimSpaces(value)) {
    const bool is_blank = c == ' ' || c == '\t';
    if (is_blank && blank) continue;
    out += is_blank ? ' ' : c;
    blank = is_blank;
  }
}

}  // namespace

std::string Sha256Hex(std::string_view text) {
  std::string digest(kDigestBytes, '\0');
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                   EVP_sha256(), nullptr) == 1);
  return ToHex(AsBytes(digest));
}

std::string CanonicalRequest(const SignedRequest& request, const Claim& claim,
                             std::string_view payload_hash) {
  std::string out(request.method);
  out += '\n';
  out += PathOf(request.target);
  out += '\n';
  out += CanonicalQuery(request.target);
  out += '\n';
  std::string names;
  for (const std::string& name : claim.signed_headers) {
    out += name;
    out += ':';
    bool first = true;
    for (const auto& [field, value] : request.headers.fields()) {
      if (!net::EqualsIgnoreCase(field, name)) continue;
      if (!first) out += ',';
      first = false;
      AppendTrimmed(out, value);
    }
    out += '\n';
    if (!names.empty()) names += ';';
    names += name;
  }
  out += '\n';
  out += names;
  out += '\n';
  out += payload_hash;
  return out;
}

std::string Sign(const SignedRequest& request, const Claim& claim, std::string_view payload_hash,
                 std::string_view secret) {
  const std::string text =
      fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", claim.timestamp, claim.Scope(),
                  Sha256Hex(CanonicalRequest(request, claim, payload_hash)));
  std::string key = HmacSha256(fmt::format("AWS4{}", secret), claim.date);
  key = HmacSha256(key, claim.region);
  key = HmacSha256(key, claim.service);
  key = HmacSha256(key, "aws4_request");
  return ToHex(AsBytes(HmacSha256(key, text)));
}

}  // namespace penstock::server::sigv4
