// The client's side of authentication: answers a camera's challenges.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ingest/rtsp/digest.h"
#include "ingest/rtsp/message.h"
#include "ingest/rtsp/url.h"

namespace penstock::ingest::rtsp {

// One per connection. Of what a camera offers, the first Digest with SHA-256 is taken, else the
// first with MD5 (each with and without qop=auth), else Basic.
class ClientAuth {
 public:
  explicit ClientAuth(const Url& url)
      : user_(url.user), password_(url.password), has_credentials_(url.has_credentials) {}

  // After a 401: ok if the request is worth repeating. A camera that refuses credentials is not
  // asked twice with the same ones, since many lock the account after a few tries; one that only
  // wants a fresh nonce is. The error is in words for people.
  Status OnChallenge(const Headers& headers);
  // Any other answer: what was sent has been accepted.
  void OnAccepted() { accepted_ = sent_; }

  // The value of Authorization for the next request; nothing before a challenge.
  std::optional<std::string> Authorize(std::string_view method, std::string_view uri);

 private:
  enum class Scheme { kNone, kBasic, kDigest };

  const std::string user_;
  const std::string password_;
  const bool has_credentials_;

  Scheme scheme_ = Scheme::kNone;
  std::string realm_;
  std::string nonce_;
  std::string opaque_;
  bool qop_auth_ = false;
  DigestAlgorithm algorithm_ = DigestAlgorithm::kMd5;
  std::string algorithm_name_;  // as the camera spells it; empty if it names none
  uint32_t nonce_count_ = 0;
  bool sent_ = false;      // credentials for the current challenge went out
  bool accepted_ = false;  // and were not refused
};

}  // namespace penstock::ingest::rtsp
