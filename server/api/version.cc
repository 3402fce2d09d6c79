#include "server/api/version.h"

namespace penstock::server {

std::string_view Version() { return PENSTOCK_VERSION; }

}  // namespace penstock::server
