// The certificate of the doors that speak TLS.
#pragma once

#include <memory>

#include "net/tls.h"
#include "server/config/config.h"

namespace penstock::server {

// Reads tls.certificate and tls.key; null if no door needs them. kInvalidArgument names the
// setting, the file and what is wrong with it.
Result<std::shared_ptr<const net::TlsContext>> LoadIdentity(const Config& config);

}  // namespace penstock::server
