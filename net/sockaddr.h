// Between our endpoints and the kernel's addresses. Internal to net.
#pragma once

#include <optional>
#include <string>

#include <sys/socket.h>

#include "base/result.h"
#include "net/tcp.h"

namespace penstock::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  void set_port(uint16_t port);
};

// A numeric IPv4 or IPv6 address ("[::1]" and "fe80::1%eth0", too); nothing for names.
std::optional<SocketAddress> ParseAddress(const std::string& address, uint16_t port);
// kInvalidArgument if the path does not fit into a sockaddr_un.
Result<SocketAddress> UnixAddress(const std::string& path);
// IPv4 addresses that were mapped into IPv6 come out as IPv4.
Endpoint ToEndpoint(const SocketAddress& address);
// An IPv4 address in the form an IPv6 socket takes; others unchanged.
SocketAddress MapToV6(const SocketAddress& address);

Endpoint LocalEndpoint(int fd);
Endpoint PeerEndpoint(int fd);

// "what: strerror", kUnavailable, or the code that says more: kTimeout, kAlreadyExists, kForbidden,
// kCancelled.
Error SocketError(int error, std::string what);

}  // namespace penstock::net
