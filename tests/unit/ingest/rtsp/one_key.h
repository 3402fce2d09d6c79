// An authorizer that knows one key.
#pragma once

#include "base/authorizer.h"

namespace penstock::ingest::rtsp {

// "user" with the secret "key" may publish "cam" and "cam2". Loopback needs no key unless told
// otherwise.
class OneKey final : public Authorizer {
 public:
  explicit OneKey(bool trust_loopback = true) : trust_loopback_(trust_loopback) {}

  Status Anonymous(const Origin& origin, Permission, const StreamName&) const override {
    if (origin.loopback && trust_loopback_) return Status();
    return Error(ErrorCode::kUnauthenticated, "a key is needed");
  }
  Status Secret(std::string_view user, std::string_view secret, Permission,
                const StreamName& stream) const override {
    if (!(user.empty() || user == "user") || secret != "key") {
      return Error(ErrorCode::kUnauthenticated, "wrong key");
    }
    return Allowed(stream);
  }
  Result<std::string> SecretFor(std::string_view user) const override {
    if (user != "user") return Error(ErrorCode::kUnauthenticated, "no such key");
    return std::string("key");
  }

 private:
  static Status Allowed(const StreamName& stream) {
    if (stream.text().starts_with("cam")) return Status();
    return Error(ErrorCode::kForbidden, "this key may not publish here");
  }
  const bool trust_loopback_;
};

}  // namespace penstock::ingest::rtsp
