#include "ingest/rtsp/server_auth.h"

#include <fmt/format.h>

#include "base/random.h"
#include "ingest/rtsp/text.h"
#include "ingest/rtsp/url.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr std::string_view kRealm = "penstock";
// Long enough for any handshake; a nonce is only good on its own connection anyway.
constexpr std::chrono::minutes kNonceLife{5};

Error Wrong(std::string_view what) { return Error(ErrorCode::kUnauthenticated, std::string(what)); }

// Of an absolute URL or of a bare path; without query and trailing slashes.
std::string PathOf(std::string_view uri) {
  const auto url = Url::Parse(uri);
  std::string path(Cut(url.ok() ? std::string_view(url->path) : uri, '?').first);
  while (path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

ServerAuth::ServerAuth(const Authorizer& authorizer, Origin origin, const Clock& clock)
    : authorizer_(authorizer), origin_(std::move(origin)), clock_(clock) {}

Status ServerAuth::Check(const Request& request, const StreamName& stream) {
  Status checked = CheckCredentials(request, stream);
  // The first request of everyone comes without credentials: that is no failure.
  const bool tried =
      request.headers.Find("Authorization") || !QueryValue(request.url, "key").empty();
  if (!checked.ok() && tried && !stale_) ++failures_;
  return checked;
}

Status ServerAuth::CheckCredentials(const Request& request, const StreamName& stream) {
  const std::string key = QueryValue(request.url, "key");
  if (!key.empty()) return authorizer_.Secret("", key, Permission::kPublish, stream);
  const auto authorization = request.headers.Find("Authorization");
  if (!authorization) return authorizer_.Anonymous(origin_, Permission::kPublish, stream);
  const AuthHeader header = ParseAuthHeader(*authorization);
  if (header.scheme == "basic") return CheckBasic(header, stream);
  if (header.scheme == "digest") return CheckDigest(header, request, stream);
  return Wrong(fmt::format("authorization scheme '{}' is unknown", Printable(header.scheme, 20)));
}

Status ServerAuth::CheckBasic(const AuthHeader& header, const StreamName& stream) const {
  const auto decoded = Base64Decode(header.token);
  if (!decoded) return Wrong("the Basic credentials are not Base64");
  const auto [user, password] = Cut(*decoded, ':');
  return authorizer_.Secret(user, password, Permission::kPublish, stream);
}

Status ServerAuth::CheckDigest(const AuthHeader& header, const Request& request,
                               const StreamName& stream) {
  if (PathOf(header.Get("uri")) != PathOf(request.url))
    return Wrong("the digest is for another URL");
  // Who is unknown gets the same computation and the same answer as who guesses a password.
  const auto secret = authorizer_.SecretFor(header.Get("username"));
  DigestInput input;
  input.user = header.Get("username");
  input.realm = header.Get("realm");
  input.password = secret.ok() ? *secret : std::string();
  input.nonce = header.Get("nonce");
  input.method = request.method;
  input.uri = header.Get("uri");
  input.qop = header.Get("qop");
  input.nc = header.Get("nc");
  input.cnonce = header.Get("cnonce");
  const bool known_qop = input.qop.empty() || input.qop == "auth";
  const bool equal = EqualsConstantTime(ToLower(header.Get("response")), DigestResponse(input));
  const bool right = secret.ok() && known_qop && input.realm == kRealm && equal;
  if (!right) return Wrong("wrong user or key");

  const bool current =
      !nonce_.empty() && input.nonce == nonce_ && clock_.SteadyNow() - nonce_made_ < kNonceLife;
  const uint64_t count = ParseHex(input.nc).value_or(0);
  // Without qop there is no count; the connection itself is what cannot be replayed.
  const bool fresh = input.qop.empty() || count > nonce_count_;
  if (!current || !fresh) {
    stale_ = true;
    return Wrong("the nonce is stale");
  }
  nonce_count_ = count;
  // Only to somebody who has proved to be the user is it told what the user may not do.
  return authorizer_.Secret(input.user, *secret, Permission::kPublish, stream);
}

void ServerAuth::AddChallenge(Headers& headers) {
  nonce_ = fmt::format("{:016x}{:016x}", RandomU64(), RandomU64());
  nonce_made_ = clock_.SteadyNow();
  nonce_count_ = 0;
  headers.Add("WWW-Authenticate",
              fmt::format(R"(Digest realm="{}", nonce="{}", algorithm=MD5, qop="auth"{})", kRealm,
                          nonce_, stale_ ? ", stale=true" : ""));
  headers.Add("WWW-Authenticate", fmt::format(R"(Basic realm="{}")", kRealm));
  stale_ = false;
}

}  // namespace penstock::ingest::rtsp
