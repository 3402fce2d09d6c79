#include "net/sockaddr.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace penstock::net {

bool Endpoint::is_loopback() const {
  if (is_unix()) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string Endpoint::ToString() const {
  if (address.empty()) return "unknown";
  if (is_unix()) return "unix:" + address;
  const std::string port_text = std::to_string(port);
  if (address.find(':') != std::string::npos) return "[" + address + "]:" + port_text;
  return address + ":" + port_text;
}

void SocketAddress::set_port(uint16_t port) {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
}

std::optional<SocketAddress> ParseAddress(const std::string& address, uint16_t port) {
  SocketAddress out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.size = sizeof(sockaddr_in);
    return out;
  }
  std::string text = address;
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  std::string scope;
  if (const size_t percent = text.find('%'); percent != std::string::npos) {
    scope = text.substr(percent + 1);
    text.resize(percent);
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1) return std::nullopt;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  if (!scope.empty()) v6->sin6_scope_id = if_nametoindex(scope.c_str());
  out.size = sizeof(sockaddr_in6);
  return out;
}

Result<SocketAddress> UnixAddress(const std::string& path) {
  SocketAddress out;
  auto* address = reinterpret_cast<sockaddr_un*>(&out.storage);
  if (path.empty() || path.size() >= sizeof(address->sun_path)) {
    return Error(ErrorCode::kInvalidArgument, path + ": a socket's path has 1 to " +
                                                  std::to_string(sizeof(address->sun_path) - 1) +
                                                  " bytes");
  }
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, path.c_str(), path.size() + 1);
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return out;
}

Endpoint ToEndpoint(const SocketAddress& address) {
  Endpoint out;
  char text[INET6_ADDRSTRLEN] = "";
  if (address.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    out.address = text;
    out.port = ntohs(v4->sin_port);
  } else if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    }
    out.address = text;
    char scope[IF_NAMESIZE];
    if (v6->sin6_scope_id != 0 && if_indextoname(v6->sin6_scope_id, scope) != nullptr) {
      out.address += '%';
      out.address += scope;
    }
    out.port = ntohs(v6->sin6_port);
  } else if (address.family() == AF_UNIX && address.size > offsetof(sockaddr_un, sun_path)) {
    out.address = reinterpret_cast<const sockaddr_un*>(&address.storage)->sun_path;
  }
  return out;
}

SocketAddress MapToV6(const SocketAddress& address) {
  if (address.family() != AF_INET) return address;
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
  SocketAddress out;
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = v4->sin_port;
  v6->sin6_addr.s6_addr[10] = 0xff;
  v6->sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&v6->sin6_addr.s6_addr[12], &v4->sin_addr, 4);
  out.size = sizeof(sockaddr_in6);
  return out;
}

Endpoint LocalEndpoint(int fd) {
  SocketAddress address;
  if (getsockname(fd, address.get(), &address.size) != 0) return {};
  return ToEndpoint(address);
}

Endpoint PeerEndpoint(int fd) {
  SocketAddress address;
  if (getpeername(fd, address.get(), &address.size) != 0) return {};
  return ToEndpoint(address);
}

Error SocketError(int error, std::string what) {
  ErrorCode code = ErrorCode::kUnavailable;
  if (error == ETIMEDOUT) code = ErrorCode::kTimeout;
  if (error == ECANCELED || error == EBADF) code = ErrorCode::kCancelled;
  if (error == EADDRINUSE) code = ErrorCode::kAlreadyExists;
  if (error == EACCES || error == EPERM) code = ErrorCode::kForbidden;
  if (error == EADDRNOTAVAIL) code = ErrorCode::kInvalidArgument;
  return Error(code, what + ": " + std::generic_category().message(error));
}

}  // namespace penstock::net
