#include "server/auth/access_key.h"

#include <array>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "base/limits.h"
#include "base/random.h"

namespace penstock::server {
namespace {

constexpr size_t kUserBytesMax = 64;

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

bool IsName(std::string_view text, size_t most) {
  if (text.empty() || text.size() > most) return false;
  for (const char c : text) {
    if (!IsNameByte(c)) return false;
  }
  return true;
}

// What the roles may do of Amazon's API. A publisher's are those that its libraries call before
// they send.
constexpr std::string_view kViewerActions[] = {"Get*", "List*", "Describe*"};
constexpr std::string_view kPublisherActions[] = {"PutMedia", "CreateStream", "DescribeStream",
                                                  "GetDataEndpoint", "TagStream"};
constexpr std::string_view kPublish = "kinesisvideo:PutMedia";
constexpr std::string_view kRead = "kinesisvideo:GetMedia";

// `pattern` may name the service or not, and may end in '*'.
bool MatchesAction(std::string_view pattern, std::string_view action) {
  if (pattern.find(':') == std::string_view::npos && pattern != "*")
    action = action.substr(action.find(':') + 1);
  const bool open_end = pattern.back() == '*';
  const std::string_view fixed = open_end ? pattern.substr(0, pattern.size() - 1) : pattern;
  return open_end ? action.substr(0, fixed.size()) == fixed : action == fixed;
}

template <class Patterns>
bool AnyMatches(const Patterns& patterns, std::string_view action) {
  for (const std::string_view pattern : patterns) {
    if (MatchesAction(pattern, action)) return true;
  }
  return false;
}

Error Corrupt(std::string message) { return Error(ErrorCode::kCorruption, std::move(message)); }

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kViewer:
      return "viewer";
    case Role::kPublisher:
      return "publisher";
    case Role::kAdmin:
      return "admin";
    case Role::kCustom:
      return "custom";
  }
  return "viewer";
}

Result<Role> ParseRole(std::string_view text) {
  for (const Role role : {Role::kViewer, Role::kPublisher, Role::kAdmin, Role::kCustom}) {
    if (text == RoleName(role)) return role;
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("'{}' is none of viewer, publisher, admin", text));
}

bool AccessKey::Covers(const StreamName& stream) const {
  if (streams.empty()) return true;
  const std::string_view name = stream.text();
  for (const std::string_view pattern : streams) {
    const bool open_end = pattern.back() == '*';
    const std::string_view fixed = open_end ? pattern.substr(0, pattern.size() - 1) : pattern;
    if (open_end ? name.substr(0, fixed.size()) == fixed : name == fixed) return true;
  }
  return false;
}

bool AccessKey::AllowsAnywhere(Permission permission) const {
  if (role == Role::kAdmin) return true;
  switch (permission) {
    case Permission::kPublish:
      return role == Role::kPublisher || (role == Role::kCustom && AnyMatches(actions, kPublish));
    case Permission::kRead:
      return role == Role::kViewer || (role == Role::kCustom && AnyMatches(actions, kRead));
    case Permission::kAdmin:
      return false;
  }
  return false;
}

bool AccessKey::Allows(Permission permission, const StreamName& stream) const {
  return AllowsAnywhere(permission) && (role == Role::kAdmin || Covers(stream));
}

bool AccessKey::AllowsAction(std::string_view action) const {
  switch (role) {
    case Role::kAdmin:
      return true;
    case Role::kViewer:
      return AnyMatches(kViewerActions, action);
    case Role::kPublisher:
      return AnyMatches(kPublisherActions, action);
    case Role::kCustom:
      return AnyMatches(actions, action);
  }
  return false;
}

Json AccessKeyToJson(const AccessKey& key, std::string_view sealed_hex) {
  Json streams = Json(Json::Array());
  for (const std::string& pattern : key.streams) streams.Push(pattern);
  Json json;
  json.Set("user", key.user);
  json.Set("role", RoleName(key.role));
  json.Set("streams", std::move(streams));
  if (!key.actions.empty()) {
    Json actions = Json(Json::Array());
    for (const std::string& pattern : key.actions) actions.Push(pattern);
    json.Set("actions", std::move(actions));
  }
  json.Set("created_ms", ToMs(key.created));
  if (key.expires) json.Set("expires_ms", ToMs(*key.expires));
  json.Set("sealed", sealed_hex);
  return json;
}

Result<StoredKey> AccessKeyFromJson(const Json& json) {
  StoredKey stored;
  stored.key.user = std::string(json["user"].AsString());
  if (!CheckUserName(stored.key.user).ok())
    return Corrupt("a stored access key has no proper name");
  PS_TRY(stored.key.role, ParseRole(json["role"].AsString()));
  for (const Json& pattern : json["streams"].array()) {
    if (!CheckStreamPattern(pattern.AsString()).ok()) {
      return Corrupt(fmt::format("access key {}: bad stream pattern", stored.key.user));
    }
    stored.key.streams.emplace_back(pattern.AsString());
  }
  for (const Json& pattern : json["actions"].array()) {
    if (!CheckActionPattern(pattern.AsString()).ok())
      return Corrupt(fmt::format("access key {}: bad action pattern", stored.key.user));
    stored.key.actions.emplace_back(pattern.AsString());
  }
  stored.key.created = ServerTimeFromMs(json["created_ms"].AsInt());
  if (!json["expires_ms"].is_null())
    stored.key.expires = ServerTimeFromMs(json["expires_ms"].AsInt());
  stored.sealed_hex = std::string(json["sealed"].AsString());
  return stored;
}

Status CheckUserName(std::string_view user) {
  if (IsName(user, kUserBytesMax)) return Status();
  return Error(ErrorCode::kInvalidArgument,
               "a key's name has 1 to 64 letters, digits, '_', '.' and '-'");
}

Status CheckStreamPattern(std::string_view pattern) {
  const bool open_end = !pattern.empty() && pattern.back() == '*';
  const std::string_view fixed = open_end ? pattern.substr(0, pattern.size() - 1) : pattern;
  if ((open_end && fixed.empty()) || IsName(fixed, limits::kStreamNameBytesMax)) return Status();
  return Error(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is neither a stream's name nor the beginning of one followed by '*'",
                  pattern));
}

Status CheckActionPattern(std::string_view pattern) {
  std::string_view rest = pattern;
  const size_t colon = rest.find(':');
  bool good = true;
  if (colon != std::string_view::npos) {
    good = colon > 0;
    for (const char c : rest.substr(0, colon)) good = good && c >= 'a' && c <= 'z';
    rest.remove_prefix(colon + 1);
  }
  const bool open_end = !rest.empty() && rest.back() == '*';
  if (open_end) rest.remove_suffix(1);
  good = good && (open_end || !rest.empty()) && rest.size() <= kUserBytesMax;
  for (const char c : rest) good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
  if (good) return Status();
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("'{}' is neither an action (GetMedia, kinesisvideo:GetMedia) nor the "
                           "beginning of one followed by '*'",
                           pattern));
}

std::string MakeSecret() {
  constexpr char kAlphabet[] =
      "abcdefghijkmnpqrstuvwxyz23456789";  // 32: five bits each, no l, o, 0, 1
  std::array<uint8_t, 32> random{};
  FillRandom(random);
  std::string out;
  for (const uint8_t byte : random) out.push_back(kAlphabet[byte & 31]);
  return out;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  // The length of a secret is no secret.
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace penstock::server
