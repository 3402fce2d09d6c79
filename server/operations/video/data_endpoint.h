// The URL under which clients reach our data operations. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::server::aws {
struct Context;
}

namespace penstock::server::aws::video {

// Scheme and authority, without a slash at the end: clients append the path. What is configured, or
// else the host that the request was sent to; some producers leave its port out (and sign it like
// that), so a host without one gets ours.
std::string DataEndpoint(std::string_view public_url, std::string_view host, uint16_t port,
                         bool over_tls = false);
// With what the server knows of its doors: https:// where the request came so, or there is no
// other.
std::string DataEndpoint(const Context& aws, std::string_view host, bool over_tls);

// The same for WebSockets: wss:// where that is https://, ws:// else.
std::string WebSocketEndpoint(std::string_view data_endpoint);

}  // namespace penstock::server::aws::video
