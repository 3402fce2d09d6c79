// Viewer tokens: whoever has one may watch one stream until it ends. Nothing of them is stored.
//
//   token   = "v1." base64url( expires || mac )      28 characters of RFC 4648 §5, no padding
//   expires = seconds since 1970, 5 bytes, big-endian
//   mac     = the first 16 bytes of HMAC-SHA-256( key, shard(16) || expires(5) || stream's name )
//   key     = HMAC-SHA-256( master.key, "penstock viewer token v1" )
//
// The shard's id is that of one life of the stream, so that one that was deleted and made again is
// not opened by an older token. No access key's secret has a '.' in it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/ids.h"
#include "base/time.h"
#include "server/auth/master_key.h"

namespace penstock::server {

inline constexpr std::string_view kViewerTokenPrefix = "v1.";
inline constexpr size_t kViewerTokenBytes = kViewerTokenPrefix.size() + 28;
// There is no taking one back, so none is for longer; nor may a key's holder, who may lose that key
// tomorrow, make one for longer than a day.
inline constexpr std::chrono::seconds kViewerTokenTimeMin = std::chrono::minutes(1);
inline constexpr std::chrono::seconds kViewerTokenTime = std::chrono::hours(1);
inline constexpr std::chrono::seconds kViewerTokenTimeMaxOfKeys = std::chrono::hours(24);
inline constexpr std::chrono::seconds kViewerTokenTimeMax = std::chrono::hours(7 * 24);

struct ViewerToken {
  uint64_t expires_seconds = 0;  // since 1970; below 2^40
  std::array<uint8_t, 16> mac{};

  friend bool operator==(const ViewerToken&, const ViewerToken&) = default;
};

// Whether it is meant as a viewer token and not as a key, whole or not.
bool IsViewerToken(std::string_view secret);
// nullopt for what is not exactly a token's text; each token has one text only.
std::optional<ViewerToken> ParseViewerToken(std::string_view text);
// Requires expires_seconds < 2^40.
std::string FormatViewerToken(const ViewerToken& token);

// The text with every whole viewer token in it replaced by ***.
std::string HideViewerTokens(std::string_view text);

// Why a token does not open what it was shown for. `message` is for the person who has the link.
struct TokenFault {
  enum Kind {
    kExpired,  // said of genuine tokens only
    kInvalid,  // not whole, not ours, for another stream or another life of it: all one answer
    kTooWide,  // it opens one stream, and this is something else
  };
  Kind kind = kInvalid;
  std::string message;
  std::optional<ServerTime> ended = std::nullopt;  // when, if it has
};

// Makes and checks them. Thread-safe; nothing waits.
class ViewerTokens {
 public:
  explicit ViewerTokens(const MasterKey& master);
  ~ViewerTokens();
  ViewerTokens(const ViewerTokens&) = delete;

  std::string Make(const StreamName& stream, const ShardId& shard, ServerTime expires) const;

  // The time until which it opens that stream, later than `now`. A token whose end is further away
  // than any may be was made while the clock was ahead, and is as good as expired: it would outlive
  // its purpose, and nobody could take it back.
  std::variant<ServerTime, TokenFault> Check(std::string_view text, const StreamName& stream,
                                             const ShardId& shard, ServerTime now) const;

 private:
  std::array<uint8_t, 16> Mac(uint64_t expires_seconds, const StreamName& stream,
                              const ShardId& shard) const;

  std::string key_;  // 32 bytes
};

// kInvalid, in its one wording.
TokenFault InvalidToken();

}  // namespace penstock::server
