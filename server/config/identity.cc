#include "server/config/identity.h"

namespace penstock::server {

Result<std::shared_ptr<const net::TlsContext>> LoadIdentity(const Config& config) {
  if (!config.rtsps) return std::shared_ptr<const net::TlsContext>();
  auto identity = net::LoadTlsIdentity(config.tls_certificate, config.tls_key);
  if (!identity.ok()) return std::move(identity).error().With("tls.certificate, tls.key");
  return identity;
}

}  // namespace penstock::server
