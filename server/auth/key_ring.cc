#include "server/auth/key_ring.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "server/auth/hex.h"

namespace penstock::server {
namespace {

constexpr std::string_view kPrefix = "key/";
constexpr size_t kScanPage = 256;

Error Unknown() { return Error(ErrorCode::kUnauthenticated, "no such key"); }

Error MayNot(const AccessKey& key, Permission permission, const StreamName& stream) {
  switch (permission) {
    case Permission::kPublish:
      return Error(ErrorCode::kForbidden,
                   fmt::format("key {} may not publish {}", key.user, stream.text()));
    case Permission::kRead:
      return Error(ErrorCode::kForbidden,
                   fmt::format("key {} may not read {}", key.user, stream.text()));
    case Permission::kAdmin:
      break;
  }
  return Error(ErrorCode::kForbidden, fmt::format("key {} is no admin key", key.user));
}

}  // namespace

size_t KeyRing::DigestHash::operator()(const Digest& digest) const {
  size_t out = 0;
  std::memcpy(&out, digest.data(), sizeof(out));
  return out;
}

KeyRing::Digest KeyRing::Sha256(std::string_view text) {
  Digest digest{};
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  CHECK(size == digest.size());
  return digest;
}

std::string KeyRing::CatalogKey(std::string_view user) {
  return fmt::format("{}{}", kPrefix, user);
}

Result<std::unique_ptr<KeyRing>> KeyRing::Load(store::Catalog& catalog, MasterKey master,
                                               Clock& clock, Options options) {
  std::unique_ptr<KeyRing> ring(new KeyRing(catalog, std::move(master), clock, options));
  auto snapshot = std::make_shared<Snapshot>();
  std::string after;
  while (true) {
    const auto page = catalog.Scan(kPrefix, after, kScanPage);
    for (const store::CatalogEntry& entry : page) {
      PS_TRY(const Json json, Json::Parse(entry.value.text()));
      PS_TRY(StoredKey stored, AccessKeyFromJson(json));
      const auto sealed = FromHex(stored.sealed_hex);
      auto secret = ring->master_.Unseal(sealed.value_or(""), stored.key.user);
      if (!secret.ok())
        return std::move(secret).error().With(fmt::format("access key {}", stored.key.user));
      stored.key.secret = std::move(*secret);
      Insert(*snapshot, std::move(stored.key));
    }
    if (page.size() < kScanPage) break;
    after = page.back().key;
  }
  ring->snapshot_ = std::move(snapshot);
  return ring;
}

std::shared_ptr<const KeyRing::Snapshot> KeyRing::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void KeyRing::Change(const std::function<void(Snapshot&)>& change) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Snapshot>(*snapshot_);
  change(*next);
  snapshot_ = std::move(next);
}

void KeyRing::Insert(Snapshot& snapshot, AccessKey key) {
  if (!key.expires) snapshot.by_secret[Sha256(key.secret)] = key.user;
  snapshot.by_user.insert_or_assign(key.user, std::move(key));
}

void KeyRing::Erase(Snapshot& snapshot, const std::string& user) {
  const auto found = snapshot.by_user.find(user);
  if (found == snapshot.by_user.end()) return;
  snapshot.by_secret.erase(Sha256(found->second.secret));
  snapshot.by_user.erase(found);
}

Status KeyRing::Anonymous(const Origin& origin, Permission, const StreamName&) const {
  if (origin.loopback && options_.trust_loopback) return Status();
  return Error(ErrorCode::kUnauthenticated, "a key is needed; make one with `penstock key create`");
}

Result<AccessKey> KeyRing::Identify(std::string_view user, std::string_view secret) const {
  const auto keys = snapshot();
  const auto name = keys->by_secret.find(Sha256(secret));
  if (name == keys->by_secret.end()) return Unknown();
  const AccessKey& key = keys->by_user.at(name->second);
  if (!ConstantTimeEqual(key.secret, secret)) return Unknown();
  if (!user.empty() && user != key.user) return Unknown();
  return key;
}

Status KeyRing::Secret(std::string_view user, std::string_view secret, Permission permission,
                       const StreamName& stream) const {
  PS_TRY(const AccessKey key, Identify(user, secret));
  if (!key.Allows(permission, stream)) return MayNot(key, permission, stream);
  return Status();
}

Result<std::string> KeyRing::SecretFor(std::string_view user) const {
  const auto keys = snapshot();
  const auto found = keys->by_user.find(std::string(user));
  // A temporary one comes with a token, for which there is no place here.
  if (found == keys->by_user.end() || found->second.expires) return Unknown();
  return found->second.secret;
}

std::optional<AccessKey> KeyRing::Find(std::string_view user) const {
  const auto keys = snapshot();
  const auto found = keys->by_user.find(std::string(user));
  if (found == keys->by_user.end()) return std::nullopt;
  return found->second;
}

std::string KeyRing::TokenOf(const AccessKey& key) const {
  CHECK(key.expires.has_value());
  Json json;
  json.Set("v", 1);
  json.Set("u", key.user);
  json.Set("c", ToMs(key.created));
  json.Set("e", ToMs(*key.expires));
  return key_tokens_.Seal(json.Dump());
}

KeyRing::TokenVerdict KeyRing::JudgeToken(std::string_view user,
                                          const std::optional<AccessKey>& key,
                                          const std::optional<std::string>& token,
                                          ServerTime now) const {
  if (!token) return key && !key->expires ? TokenVerdict::kFits : TokenVerdict::kWrong;
  const auto text = key_tokens_.Open(*token);
  if (!text) return TokenVerdict::kWrong;
  const auto json = Json::Parse(*text);
  if (!json.ok() || (*json)["v"].AsInt() != 1 || (*json)["u"].AsString() != user)
    return TokenVerdict::kWrong;
  if (now >= ServerTimeFromMs((*json)["e"].AsInt())) return TokenVerdict::kExpired;
  // Of this life of the key: a name may be given again.
  const bool same = key && key->expires && ToMs(key->created) == (*json)["c"].AsInt() &&
                    ToMs(*key->expires) == (*json)["e"].AsInt();
  return same ? TokenVerdict::kFits : TokenVerdict::kWrong;
}

Task<void> KeyRing::RemoveEnded() {
  const ServerTime now = clock_.Now();
  std::vector<std::string> ended;
  const auto keys = snapshot();
  for (const auto& [user, key] : keys->by_user) {
    if (key.expires && *key.expires <= now) ended.push_back(user);
  }
  // Best effort: nothing opens with them any more, and the next one tries again.
  for (const std::string& user : ended) (void)co_await Revoke(user);
}

Task<Result<AccessKey>> KeyRing::Create(std::string user, Role role,
                                        std::vector<std::string> streams,
                                        std::vector<std::string> actions,
                                        std::optional<std::chrono::seconds> lasts) {
  PS_CO_TRY_VOID(CheckUserName(user));
  for (const std::string& pattern : streams) PS_CO_TRY_VOID(CheckStreamPattern(pattern));
  for (const std::string& pattern : actions) PS_CO_TRY_VOID(CheckActionPattern(pattern));
  if (actions.empty() == (role == Role::kCustom)) {
    co_return Error(ErrorCode::kInvalidArgument,
                    "a key has either a role or a list of actions that it may do");
  }
  if (role == Role::kAdmin && !streams.empty()) {
    co_return Error(ErrorCode::kInvalidArgument, "an admin key is for all streams");
  }
  AccessKey key;
  key.user = std::move(user);
  key.role = role;
  key.streams = std::move(streams);
  key.actions = std::move(actions);
  key.created = clock_.Now();
  if (lasts) {
    if (*lasts < kSessionTimeMin || *lasts > kSessionTimeMax) {
      co_return Error(ErrorCode::kInvalidArgument,
                      fmt::format("a temporary key lasts from {} s to {} h",
                                  kSessionTimeMin.count(), kSessionTimeMax.count() / 3600));
    }
    key.expires = key.created + *lasts;
    co_await RemoveEnded();
  }
  key.secret = MakeSecret();
  const std::string sealed = ToHex(AsBytes(master_.Seal(key.secret, key.user)));

  std::vector<store::Expect> expects(1);
  expects[0].key = CatalogKey(key.user);
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = expects[0].key;
  writes[0].value = Bytes::From(AccessKeyToJson(key, sealed).Dump());
  auto stored = co_await catalog_.Txn(std::move(expects), std::move(writes), std::string());
  if (!stored.ok() && stored.error().code() == ErrorCode::kConflict) {
    co_return Error(ErrorCode::kAlreadyExists,
                    fmt::format("there is a key named {} already", key.user));
  }
  if (!stored.ok()) co_return std::move(stored).error();
  Change([&key](Snapshot& snapshot) { Insert(snapshot, key); });
  co_return key;
}

Task<Status> KeyRing::Revoke(std::string user) {
  const auto entry = catalog_.Get(CatalogKey(user));
  if (!entry) co_return Error(ErrorCode::kNotFound, fmt::format("there is no key named {}", user));
  std::vector<store::Expect> expects(1);
  expects[0].key = entry->key;
  expects[0].version = entry->version;
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = entry->key;
  PS_CO_TRY_VOID(co_await catalog_.Txn(std::move(expects), std::move(writes), std::string()));
  Change([&user](Snapshot& snapshot) { Erase(snapshot, user); });
  co_return Status();
}

std::vector<AccessKey> KeyRing::List() const {
  std::vector<AccessKey> out;
  for (const auto& [user, key] : snapshot()->by_user) {
    out.push_back(key);
    out.back().secret.clear();
  }
  std::sort(out.begin(), out.end(),
            [](const AccessKey& a, const AccessKey& b) { return a.user < b.user; });
  return out;
}

bool KeyRing::empty() const { return snapshot()->by_user.empty(); }

}  // namespace penstock::server
