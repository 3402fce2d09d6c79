// The certificate of the doors that speak TLS.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "net/tls.h"
#include "server/config/config.h"

namespace penstock::server {

// Reads tls.certificate and tls.key; null if no door needs them. kInvalidArgument names the
// settings and what is wrong with the file. Blocks.
Result<std::shared_ptr<const net::TlsContext>> LoadIdentity(const Config& config);

// Whether one certificate may take another's place now: not if it has ended or not begun, unless it
// is the same.
Status CheckRenewal(const net::CertificateFacts& old, const net::CertificateFacts& renewed,
                    ServerTime now);

// Tells by a look at their folder entries whether the two files may have changed since the last
// call. Blocks, for two system calls. One thread.
class IdentityFiles {
 public:
  bool Changed(const Config& config);

 private:
  struct Stamp {
    uint64_t inode = 0;
    int64_t changed_ns = 0;
    int64_t bytes = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp StampOf(const std::filesystem::path& file);

  std::optional<std::array<Stamp, 2>> seen_;
};

}  // namespace penstock::server
