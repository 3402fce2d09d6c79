#include "server/auth/viewer_token.h"

#include <algorithm>

#include <openssl/crypto.h>

#include "base/check.h"
#include "server/auth/hex.h"
#include "server/auth/hmac.h"

namespace penstock::server {
namespace {

constexpr std::string_view kKeyLabel = "penstock viewer token v1";
constexpr size_t kExpiresBytes = 5;
constexpr size_t kTextBytes = kViewerTokenBytes - kViewerTokenPrefix.size();
// Clocks are set back by a little every day.
constexpr std::chrono::seconds kClockSlack = std::chrono::hours(1);

std::string BigEndian(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  return out;
}

ServerTime TimeOf(uint64_t seconds) {
  return ServerTimeFromMs(static_cast<int64_t>(seconds) * 1000);
}

}  // namespace

bool IsViewerToken(std::string_view secret) { return secret.starts_with(kViewerTokenPrefix); }

std::optional<ViewerToken> ParseViewerToken(std::string_view text) {
  if (text.size() != kViewerTokenBytes || !IsViewerToken(text)) return std::nullopt;
  text.remove_prefix(kViewerTokenPrefix.size());
  const auto raw = FromBase64Url(text);
  if (!raw) return std::nullopt;
  ViewerToken token;
  CHECK(raw->size() == kExpiresBytes + token.mac.size());
  for (size_t i = 0; i < kExpiresBytes; ++i)
    token.expires_seconds = token.expires_seconds << 8 | static_cast<uint8_t>((*raw)[i]);
  std::copy(raw->begin() + kExpiresBytes, raw->end(), token.mac.begin());
  return token;
}

std::string FormatViewerToken(const ViewerToken& token) {
  CHECK(token.expires_seconds < uint64_t{1} << (8 * kExpiresBytes));
  std::string raw = BigEndian(token.expires_seconds, kExpiresBytes);
  raw.append(token.mac.begin(), token.mac.end());
  return std::string(kViewerTokenPrefix) + ToBase64Url(AsBytes(raw));
}

std::string HideViewerTokens(std::string_view text) {
  std::string out;
  while (true) {
    const size_t at = text.find(kViewerTokenPrefix);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    const size_t begin = at + kViewerTokenPrefix.size();
    // With dots, because another one may begin within what follows.
    size_t end = begin;
    while (end < text.size() && (IsBase64UrlDigit(text[end]) || text[end] == '.')) ++end;
    out += end - begin >= kTextBytes ? "***" : text.substr(at, end - at);
    text.remove_prefix(end);
  }
}

TokenFault InvalidToken() {
  return TokenFault{TokenFault::kInvalid,
                    "this link opens nothing here: it is not whole, or not for this stream, or the "
                    "stream was deleted since; ask whoever sent it for a new one"};
}

ViewerTokens::ViewerTokens(const MasterKey& master) : key_(master.Derive(kKeyLabel)) {}

ViewerTokens::~ViewerTokens() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::array<uint8_t, 16> ViewerTokens::Mac(uint64_t expires_seconds, const StreamName& stream,
                                          const ShardId& shard) const {
  // What has a fixed size comes first, so that no two messages are the same bytes.
  std::string message(shard.bytes().begin(), shard.bytes().end());
  message += BigEndian(expires_seconds, kExpiresBytes);
  message += stream.text();
  const std::string whole = HmacSha256(key_, message);
  std::array<uint8_t, 16> mac{};
  std::copy_n(whole.begin(), mac.size(), mac.begin());
  return mac;
}

std::string ViewerTokens::Make(const StreamName& stream, const ShardId& shard,
                               ServerTime expires) const {
  CHECK(ToMs(expires) >= 0);
  ViewerToken token;
  token.expires_seconds = static_cast<uint64_t>(ToMs(expires)) / 1000;
  token.mac = Mac(token.expires_seconds, stream, shard);
  return FormatViewerToken(token);
}

std::variant<ServerTime, TokenFault> ViewerTokens::Check(std::string_view text,
                                                         const StreamName& stream,
                                                         const ShardId& shard,
                                                         ServerTime now) const {
  const auto token = ParseViewerToken(text);
  if (!token) return InvalidToken();
  const auto mac = Mac(token->expires_seconds, stream, shard);
  if (CRYPTO_memcmp(mac.data(), token->mac.data(), mac.size()) != 0) return InvalidToken();
  const ServerTime expires = TimeOf(token->expires_seconds);
  if (now >= expires) {
    return TokenFault{
        TokenFault::kExpired,
        "this link ended at " + FormatRfc3339(expires) + "; ask whoever sent it for a new one",
        expires};
  }
  if (expires - now > kViewerTokenTimeMax + kClockSlack) {
    return TokenFault{TokenFault::kExpired,
                      "this link was made while the server's clock was wrong; ask whoever sent it "
                      "for a new one"};
  }
  return expires;
}

}  // namespace penstock::server
