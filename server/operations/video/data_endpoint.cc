#include "server/operations/video/data_endpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "server/operations/aws_context.h"

namespace penstock::server::aws::video {
namespace {

// A name or an address: nothing that could end the authority of a URL.
bool IsHost(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
}

bool HasPort(std::string_view host) {
  const size_t colon = host.rfind(':');
  return colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
}

}  // namespace

std::string DataEndpoint(std::string_view public_url, std::string_view host, uint16_t port,
                         bool over_tls) {
  if (!public_url.empty()) {
    while (public_url.back() == '/') public_url.remove_suffix(1);
    return std::string(public_url);
  }
  if (!IsHost(host)) host = "localhost";
  const std::string_view scheme = over_tls ? "https" : "http";
  if (HasPort(host) || port == 0 || port == (over_tls ? 443 : 80))
    return fmt::format("{}://{}", scheme, host);
  return fmt::format("{}://{}:{}", scheme, host, port);
}

std::string DataEndpoint(const Context& aws, std::string_view host, bool over_tls) {
  const uint16_t http = aws.http_port.load();
  const uint16_t https = aws.https_port.load();
  if (over_tls || (http == 0 && https != 0)) return DataEndpoint(aws.public_url, host, https, true);
  return DataEndpoint(aws.public_url, host, http, false);
}

std::string WebSocketEndpoint(std::string_view data_endpoint) {
  constexpr std::string_view kHttp = "http";
  if (data_endpoint.substr(0, kHttp.size()) == kHttp) data_endpoint.remove_prefix(kHttp.size());
  return fmt::format("ws{}", data_endpoint);
}

}  // namespace penstock::server::aws::video
