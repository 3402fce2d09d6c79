// What the configuration says of requests that we send.
#pragma once

#include <memory>
#include <optional>

#include "net/tls.h"
#include "server/config/config.h"
#include "server/outgoing/bucket.h"

namespace penstock::server {

// The authorities of outgoing.ca, or else the system's.
Result<std::shared_ptr<const net::TlsContext>> LoadOutgoingTrust(const Config& config);

// Reads s3.secret_key_file; nothing without s3.endpoint. kInvalidArgument names the setting.
Result<std::optional<BucketAccess>> LoadBucketAccess(const Config& config);

}  // namespace penstock::server
