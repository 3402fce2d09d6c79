#include "net/resolve.h"

#include "net/blocking.h"

namespace penstock::net {

Task<Result<std::vector<Endpoint>>> LookUpEndpoints(std::string host, uint16_t port,
                                                    SteadyTime deadline, CancelToken token) {
  PS_CO_TRY(const std::vector<SocketAddress> addresses,
            co_await Resolve(std::move(host), port, deadline, std::move(token)));
  std::vector<Endpoint> out;
  for (const SocketAddress& address : addresses) out.push_back(ToEndpoint(address));
  co_return out;
}

}  // namespace penstock::net
