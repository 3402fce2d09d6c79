#include "server/auth/credentials.h"

#include <algorithm>

#include "server/auth/hex.h"
#include "server/auth/trust.h"

namespace penstock::server {
namespace {

constexpr std::string_view kPathKey = "/hls/t/";

bool StartsWithNoCase(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower_prefix[i])
      return false;
  }
  return true;
}

bool IsPlaybackFile(std::string_view name) {
  return name.ends_with(".m3u8") || name.ends_with(".m4s") || name.ends_with(".mp4");
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<std::optional<Credentials>> FromHeader(std::string_view header) {
  const Error unreadable(ErrorCode::kUnauthenticated,
                         "the Authorization field is neither Bearer nor Basic");
  if (StartsWithNoCase(header, "bearer ")) {
    return std::optional<Credentials>(Credentials{"", std::string(Trim(header.substr(7)))});
  }
  if (!StartsWithNoCase(header, "basic ")) return unreadable;
  const auto pair = FromBase64(Trim(header.substr(6)));
  if (!pair) return unreadable;
  const size_t colon = pair->find(':');
  if (colon == std::string::npos) return unreadable;
  return std::optional<Credentials>(Credentials{pair->substr(0, colon), pair->substr(colon + 1)});
}

}  // namespace

Result<std::optional<Credentials>> FindCredentials(const net::HttpRequest& request) {
  if (request.headers.Has("Authorization")) return FromHeader(request.headers.Get("Authorization"));
  const std::string_view key = request.QueryValue("key");
  if (!key.empty()) return std::optional<Credentials>(Credentials{"", std::string(key)});
  const std::string_view path = request.path;
  if (path.substr(0, kPathKey.size()) == kPathKey) {
    const std::string_view rest = path.substr(kPathKey.size());
    const size_t slash = rest.find('/');
    // "/hls/t/index.m3u8" is a stream named t.
    if (slash != std::string_view::npos) {
      return std::optional<Credentials>(Credentials{"", std::string(rest.substr(0, slash))});
    }
  }
  return std::optional<Credentials>();
}

std::string WithoutPathKey(std::string_view path) {
  if (path.substr(0, kPathKey.size()) != kPathKey) return std::string(path);
  const size_t slash = path.find('/', kPathKey.size());
  if (slash == std::string_view::npos) return std::string(path);
  return "/hls" + std::string(path.substr(slash));
}

std::string RedactTarget(std::string_view target) {
  std::string path(target.substr(0, target.find('?')));
  // In the absolute form it stands behind the host.
  const size_t key = path.find(kPathKey);
  if (key != std::string::npos) {
    const size_t begin = key + kPathKey.size();
    const size_t slash = path.find('/', begin);
    // Without a slash it is a file of a stream named t, or an address that was not copied whole.
    if (slash != std::string::npos || !IsPlaybackFile(std::string_view(path).substr(begin)))
      path.replace(begin, std::min(slash, path.size()) - begin, "***");
  }
  // Escapes may hide the key's place from us; no path of ours needs one.
  const size_t escape = path.find('%');
  if (escape != std::string::npos) path.replace(escape, std::string::npos, "***");
  const std::string out = HideViewerTokens(
      path + std::string(target.substr(std::min(target.find('?'), target.size()))));
  const size_t question = out.find('?');
  if (question == std::string::npos) return out;
  std::string query;
  std::string_view rest = std::string_view(out).substr(question + 1);
  while (true) {
    const size_t end = rest.find('&');
    std::string_view pair = rest.substr(0, end);
    const size_t equals = pair.find('=');
    // A name with escapes in it may spell "key" as well; nothing of ours needs one, so its value is
    // hidden, too.
    const std::string_view name = pair.substr(0, equals);
    const bool secret =
        name == "key" || name == "token" || name.find('%') != std::string_view::npos;
    if (!query.empty()) query += '&';
    query += secret ? std::string(name) + "=***" : std::string(pair);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return out.substr(0, question + 1) + query;
}

Result<Caller> Authorize(const net::HttpRequest& request, const KeyRing& keys,
                         Permission permission, const std::optional<StreamName>& stream) {
  Caller caller;
  caller.name = "local";
  if (request.over_unix_socket) return caller;
  PS_TRY(const std::optional<Credentials> shown, FindCredentials(request));
  if (!shown) {
    Origin origin;
    origin.loopback = IsTrusted(request);
    origin.peer = request.peer.ToString();
    static const StreamName kNone = StreamName::Parse("-").value();
    PS_TRY_VOID(keys.Anonymous(origin, permission, stream ? *stream : kNone));
    return caller;
  }
  if (stream) {
    PS_TRY_VOID(keys.Secret(shown->user, shown->secret, permission, *stream));
  }
  PS_TRY(AccessKey key, keys.Identify(shown->user, shown->secret));
  if (permission == Permission::kAdmin && key.role != Role::kAdmin) {
    return Error(ErrorCode::kForbidden, "this needs an admin key");
  }
  if (permission == Permission::kRead && !key.AllowsAnywhere(Permission::kRead)) {
    return Error(ErrorCode::kForbidden, "this key may not read");
  }
  key.secret.clear();
  caller.name = key.user;
  caller.key = std::move(key);
  return caller;
}

Caller TokenCaller(const StreamName& stream, ServerTime until) {
  Caller caller;
  // No key's name has a space in it.
  caller.name = "viewer token";
  caller.key.emplace();
  caller.key->user = caller.name;
  caller.key->role = Role::kViewer;
  caller.key->streams.push_back(stream.text());
  caller.until = until;
  return caller;
}

}  // namespace penstock::server
