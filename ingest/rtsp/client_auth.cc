#include "ingest/rtsp/client_auth.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/random.h"
#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {
namespace {

// No qop, or a list that has "auth" in it.
bool OffersQopAuth(const AuthHeader& challenge) {
  const auto values = Split(challenge.Get("qop"), ',');
  return std::any_of(values.begin(), values.end(),
                     [](std::string_view v) { return EqualsIgnoreCase(v, "auth"); });
}

bool CanAnswer(const AuthHeader& challenge) {
  if (challenge.scheme != "digest") return false;
  if (!ParseDigestAlgorithm(challenge.Get("algorithm"))) return false;
  return challenge.Get("qop").empty() || OffersQopAuth(challenge);
}

bool IsStronger(const AuthHeader& challenge, const AuthHeader& other) {
  return *ParseDigestAlgorithm(challenge.Get("algorithm")) >
         *ParseDigestAlgorithm(other.Get("algorithm"));
}

}  // namespace

Status ClientAuth::OnChallenge(const Headers& headers) {
  std::optional<AuthHeader> digest;
  std::optional<AuthHeader> basic;
  std::string offered;
  for (const std::string_view value : headers.FindAll("WWW-Authenticate")) {
    AuthHeader challenge = ParseAuthHeader(value);
    offered += (offered.empty() ? "" : ", ") + Printable(challenge.scheme, 20);
    if (challenge.scheme == "basic") {
      if (!basic) basic = std::move(challenge);
    } else if (CanAnswer(challenge) && (!digest || IsStronger(challenge, *digest))) {
      digest = std::move(challenge);
    }
  }
  if (!has_credentials_) {
    return Error(ErrorCode::kUnauthenticated, "401: the camera asks for a user and a password");
  }
  const bool stale = digest && EqualsIgnoreCase(digest->Get("stale"), "true");
  if (sent_ && !accepted_ && !stale) {
    return Error(ErrorCode::kUnauthenticated,
                 fmt::format("401: the camera refuses user '{}' with this password", user_));
  }
  if (!digest && !basic) {
    return Error(
        ErrorCode::kUnauthenticated,
        fmt::format("401: the camera asks for an authentication that is not spoken here ({})",
                    offered.empty() ? "it does not say which" : offered));
  }
  const AuthHeader& chosen = digest ? *digest : *basic;
  scheme_ = digest ? Scheme::kDigest : Scheme::kBasic;
  realm_ = chosen.Get("realm");
  nonce_ = chosen.Get("nonce");
  opaque_ = chosen.Get("opaque");
  algorithm_name_ = chosen.Get("algorithm");
  algorithm_ = ParseDigestAlgorithm(algorithm_name_).value_or(DigestAlgorithm::kMd5);
  qop_auth_ = OffersQopAuth(chosen);
  nonce_count_ = 0;
  sent_ = accepted_ = false;
  return Status();
}

std::optional<std::string> ClientAuth::Authorize(std::string_view method, std::string_view uri) {
  if (scheme_ == Scheme::kNone) return std::nullopt;
  sent_ = true;
  if (scheme_ == Scheme::kBasic) {
    return "Basic " + Base64Encode(fmt::format("{}:{}", user_, password_));
  }
  DigestInput input;
  input.algorithm = algorithm_;
  input.user = user_;
  input.realm = realm_;
  input.password = password_;
  input.nonce = nonce_;
  input.method = method;
  input.uri = uri;
  if (qop_auth_) {
    input.qop = "auth";
    input.nc = fmt::format("{:08x}", ++nonce_count_);
    input.cnonce = fmt::format("{:016x}", RandomU64());
  }
  // The order and quoting are the ones old cameras were tested with.
  std::string value =
      fmt::format(R"(Digest username="{}", realm="{}", nonce="{}", uri="{}", response="{}")", user_,
                  realm_, nonce_, uri, DigestResponse(input));
  if (!algorithm_name_.empty()) value += ", algorithm=" + algorithm_name_;
  if (!opaque_.empty()) value += fmt::format(R"(, opaque="{}")", opaque_);
  if (qop_auth_) value += fmt::format(R"(, qop=auth, nc={}, cnonce="{}")", input.nc, input.cnonce);
  return value;
}

}  // namespace penstock::ingest::rtsp
