#include "server/outgoing/configured.h"

#include <fstream>

#include <fmt/format.h>

namespace penstock::server {

Result<std::shared_ptr<const net::TlsContext>> LoadOutgoingTrust(const Config& config) {
  if (config.outgoing_ca.empty()) return net::SystemTlsTrust();
  auto trust = net::LoadTlsTrust(config.outgoing_ca);
  if (!trust.ok()) return std::move(trust).error().With("outgoing.ca");
  return trust;
}

Result<std::optional<BucketAccess>> LoadBucketAccess(const Config& config) {
  std::optional<BucketAccess> access;
  if (config.s3_endpoint.empty()) return access;
  access.emplace();
  PS_TRY(access->endpoint, HttpUrl::Parse(config.s3_endpoint));
  access->region = config.s3_region;
  access->access_key = config.s3_access_key;
  std::ifstream file(config.s3_secret_key_file);
  std::getline(file, access->secret);
  access->secret = net::TrimSpaces(access->secret.substr(0, access->secret.find('\r')));
  if (file.bad() || access->secret.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("s3.secret_key_file: there is no key in {}",
                             config.s3_secret_key_file.string()));
  }
  return access;
}

}  // namespace penstock::server
