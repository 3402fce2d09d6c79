// Names to addresses, for who has to see where a connection would go before it is made.
#pragma once

#include <string>
#include <vector>

#include "net/tcp.h"

namespace penstock::net {

// The addresses of a name (numeric ones at once), each with this port, in the order in which they
// should be tried. On a loop, whose thread does not wait. Never empty when ok. kNotFound,
// kTimeout, kCancelled.
Task<Result<std::vector<Endpoint>>> LookUpEndpoints(std::string host, uint16_t port,
                                                    SteadyTime deadline, CancelToken token);

}  // namespace penstock::net
