#include "server/config/identity.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace penstock::server {

Result<std::shared_ptr<const net::TlsContext>> LoadIdentity(const Config& config) {
  if (!config.has_tls()) return std::shared_ptr<const net::TlsContext>();
  auto identity = net::LoadTlsIdentity(config.tls_certificate, config.tls_key);
  if (!identity.ok()) return std::move(identity).error().With("tls.certificate, tls.key");
  return identity;
}

Status CheckRenewal(const net::CertificateFacts& old, const net::CertificateFacts& renewed,
                    ServerTime now) {
  if (renewed.fingerprint == old.fingerprint) return Status();
  if (renewed.ends <= now) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("tls.certificate: the new certificate has ended, on {}",
                             FormatRfc3339(renewed.ends)));
  }
  if (renewed.begins > now) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("tls.certificate: the new certificate only begins on {}",
                             FormatRfc3339(renewed.begins)));
  }
  return Status();
}

IdentityFiles::Stamp IdentityFiles::StampOf(const std::filesystem::path& file) {
  struct stat info {};
  // One that is not there is a state like any other.
  if (stat(file.c_str(), &info) != 0) return Stamp();
  return Stamp{info.st_ino, info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec,
               info.st_size};
}

bool IdentityFiles::Changed(const Config& config) {
  const std::array<Stamp, 2> now = {StampOf(config.tls_certificate), StampOf(config.tls_key)};
  if (seen_ == now) return false;
  seen_ = now;
  return true;
}

}  // namespace penstock::server
