// The server's side of authentication: who may publish.
#pragma once

#include <string>
#include <string_view>

#include "base/authorizer.h"
#include "ingest/rtsp/digest.h"
#include "ingest/rtsp/message.h"

namespace penstock::ingest::rtsp {

// One per connection, which its nonce belongs to. A publish key comes as ?key= in the URL, as the
// password of Basic, or by Digest; without any of them the peer must be trusted as it is.
class ServerAuth {
 public:
  ServerAuth(const Authorizer& authorizer, Origin origin, const Clock& clock);

  // kUnauthenticated: answer 401 with AddChallenge. kForbidden: 403. After
  // limits::kRtspAuthFailuresMax failures the connection should end.
  Status Check(const Request& request, const StreamName& stream);
  // Digest first, then Basic.
  void AddChallenge(Headers& headers);
  int failures() const { return failures_; }

 private:
  Status CheckCredentials(const Request& request, const StreamName& stream);
  Status CheckBasic(const AuthHeader& header, const StreamName& stream) const;
  Status CheckDigest(const AuthHeader& header, const Request& request, const StreamName& stream);

  const Authorizer& authorizer_;
  const Origin origin_;
  const Clock& clock_;
  std::string nonce_;
  SteadyTime nonce_made_;
  uint64_t nonce_count_ = 0;  // the highest that was used
  bool stale_ = false;        // the next challenge says so: right secret, old nonce
  int failures_ = 0;
};

}  // namespace penstock::ingest::rtsp
