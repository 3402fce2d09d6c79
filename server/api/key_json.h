#pragma once

#include "base/json.h"
#include "server/auth/access_key.h"

namespace penstock::server {

// With its secret if it has one (only the answer to its creation does).
Json KeyToJson(const AccessKey& key);

}  // namespace penstock::server
