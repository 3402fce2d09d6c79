// All access keys, from the catalog, unsealed in memory: who may do what.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/authorizer.h"
#include "server/auth/access_key.h"
#include "server/auth/master_key.h"
#include "server/auth/session_token.h"
#include "server/auth/viewer_token.h"
#include "store/catalog.h"

namespace penstock::server {

// How long a temporary key may last: as long as Amazon's, and as short as a test wants it.
inline constexpr std::chrono::seconds kSessionTimeMin{1};
inline constexpr std::chrono::seconds kSessionTime = std::chrono::hours(1);
inline constexpr std::chrono::seconds kSessionTimeMax = std::chrono::hours(36);

// Thread-safe; questions do not wait. Lives until the service stops; the catalog and the clock
// outlive it.
class KeyRing final : public Authorizer {
 public:
  struct Options {
    bool trust_loopback = true;
  };

  // Reads every key. kCorruption if one was sealed with another master.key.
  static Result<std::unique_ptr<KeyRing>> Load(store::Catalog& catalog, MasterKey master,
                                               Clock& clock, Options options);

  Status Anonymous(const Origin& origin, Permission permission,
                   const StreamName& stream) const override;
  Status Secret(std::string_view user, std::string_view secret, Permission permission,
                const StreamName& stream) const override;
  Result<std::string> SecretFor(std::string_view user) const override;

  // The key a secret belongs to, for questions that name no stream. `user` may be empty; it is then
  // not compared.
  Result<AccessKey> Identify(std::string_view user, std::string_view secret) const;

  // The key of that name, with its secret: for signatures, which the caller checks.
  std::optional<AccessKey> Find(std::string_view user) const;
  // Links to one stream, which are under the same master.key and nowhere in the catalog.
  const ViewerTokens& viewer_tokens() const { return tokens_; }
  const SessionTokens& session_tokens() const { return sessions_; }

  // A temporary key's session token. Requires key.expires.
  std::string TokenOf(const AccessKey& key) const;
  // Of a request that is signed with the key of that name, if there is one (as Find returns it),
  // and came with a token or without. A long-lived key takes none, as at Amazon.
  enum class TokenVerdict {
    kFits,
    kWrong,    // not this key's, none where there has to be one, or one where there may be none
    kExpired,  // said of genuine tokens only, also when their key is gone already
  };
  TokenVerdict JudgeToken(std::string_view user, const std::optional<AccessKey>& key,
                          const std::optional<std::string>& token, ServerTime now) const;
  bool trusts_loopback() const { return options_.trust_loopback; }

  // Durable when it completes. The only time the secret is given out. kAlreadyExists. `actions` are
  // a custom key's, and only its. With `lasts` it is a temporary one; those that have ended are
  // removed then.
  Task<Result<AccessKey>> Create(std::string user, Role role, std::vector<std::string> streams,
                                 std::vector<std::string> actions = {},
                                 std::optional<std::chrono::seconds> lasts = std::nullopt);
  // kNotFound. Takes effect for requests that begin afterwards.
  Task<Status> Revoke(std::string user);
  // By name, without secrets.
  std::vector<AccessKey> List() const;
  bool empty() const;

 private:
  using Digest = std::array<uint8_t, 32>;
  struct DigestHash {
    size_t operator()(const Digest& digest) const;
  };
  // Immutable; replaced whole.
  struct Snapshot {
    std::unordered_map<std::string, AccessKey> by_user;
    // By SHA-256 of the secret, without those of temporary keys: alone they open nothing. How long
    // a lookup takes depends on a digest that the asker cannot steer, so it tells nothing.
    std::unordered_map<Digest, std::string, DigestHash> by_secret;
  };

  KeyRing(store::Catalog& catalog, MasterKey master, Clock& clock, Options options)
      : catalog_(catalog),
        master_(std::move(master)),
        tokens_(master_),
        sessions_(master_),
        key_tokens_(master_, SessionTokens::kForKeys),
        clock_(clock),
        options_(options) {}

  static Digest Sha256(std::string_view text);
  static std::string CatalogKey(std::string_view user);
  std::shared_ptr<const Snapshot> snapshot() const;
  void Change(const std::function<void(Snapshot&)>& change);
  static void Insert(Snapshot& snapshot, AccessKey key);
  static void Erase(Snapshot& snapshot, const std::string& user);
  Task<void> RemoveEnded();

  store::Catalog& catalog_;
  const MasterKey master_;
  const ViewerTokens tokens_;
  const SessionTokens sessions_;
  const SessionTokens key_tokens_;
  Clock& clock_;
  const Options options_;

  mutable std::mutex mutex_;  // guards the pointer
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();
};

}  // namespace penstock::server
