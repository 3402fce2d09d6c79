// All access keys, from the catalog, unsealed in memory: who may do what.
#pragma once

#include <array>
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
  bool trusts_loopback() const { return options_.trust_loopback; }

  // Durable when it completes. The only time the secret is given out. kAlreadyExists. `actions` are
  // a custom key's, and only its.
  Task<Result<AccessKey>> Create(std::string user, Role role, std::vector<std::string> streams,
                                 std::vector<std::string> actions = {});
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
    // By SHA-256 of the secret. How long a lookup takes depends on a digest that the asker cannot
    // steer, so it tells nothing.
    std::unordered_map<Digest, std::string, DigestHash> by_secret;
  };

  KeyRing(store::Catalog& catalog, MasterKey master, Clock& clock, Options options)
      : catalog_(catalog),
        master_(std::move(master)),
        tokens_(master_),
        sessions_(master_),
        clock_(clock),
        options_(options) {}

  static Digest Sha256(std::string_view text);
  static std::string CatalogKey(std::string_view user);
  std::shared_ptr<const Snapshot> snapshot() const;
  void Change(const std::function<void(Snapshot&)>& change);
  static void Insert(Snapshot& snapshot, AccessKey key);
  static void Erase(Snapshot& snapshot, const std::string& user);

  store::Catalog& catalog_;
  const MasterKey master_;
  const ViewerTokens tokens_;
  const SessionTokens sessions_;
  Clock& clock_;
  const Options options_;

  mutable std::mutex mutex_;  // guards the pointer
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<Snapshot>();
};

}  // namespace penstock::server
