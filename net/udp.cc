#include "net/udp.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/descriptor.h"
#include "net/sockaddr.h"

namespace penstock::net {
namespace {

struct State {
  State(EventLoop& loop, int fd, int socket_family) : descriptor(loop, fd), family(socket_family) {}

  Descriptor descriptor;
  const int family;
  // Packets come from the same peer again and again; its text is made once.
  SocketAddress last_from;
  Endpoint last_endpoint;
};

Error Closed() { return Error(ErrorCode::kCancelled, "the socket was closed here"); }

const Endpoint& EndpointOf(State& state, const SocketAddress& from) {
  if (from.size != state.last_from.size ||
      std::memcmp(&from.storage, &state.last_from.storage, from.size) != 0) {
    state.last_from = from;
    state.last_endpoint = ToEndpoint(from);
  }
  return state.last_endpoint;
}

// kUnavailable: none there.
Result<UdpSocket::Datagram> ReceiveNow(State& state, std::span<uint8_t> out) {
  for (;;) {
    if (!state.descriptor.is_open()) return Closed();
    SocketAddress from;
    const ssize_t got = recvfrom(state.descriptor.fd(), out.data(), out.size(), MSG_DONTWAIT,
                                 from.get(), &from.size);
    if (got >= 0) {
      UdpSocket::Datagram datagram;
      datagram.bytes = static_cast<size_t>(got);
      datagram.from = EndpointOf(state, from);
      return datagram;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return Error(ErrorCode::kUnavailable, "no datagram");
    // ICMP's answers to what we sent earlier are errors of the next call; they say nothing about
    // what is to be received.
    if (errno != EINTR && errno != ECONNREFUSED && errno != EHOSTUNREACH && errno != ENETUNREACH) {
      return Error(ErrorCode::kIo, SocketError(errno, "receive").message());
    }
  }
}

Task<Result<UdpSocket::Datagram>> ReceiveNext(std::shared_ptr<State> state,
                                              std::span<uint8_t> out) {
  for (;;) {
    Result<UdpSocket::Datagram> datagram = ReceiveNow(*state, out);
    if (datagram.ok() || datagram.error().code() != ErrorCode::kUnavailable) co_return datagram;
    Descriptor::Wait wait(state->descriptor, Descriptor::Wait::For::kRead);
    const int error = co_await wait;
    if (error == ECANCELED) co_return Closed();
  }
}

class SocketUdp final : public UdpSocket {
 public:
  SocketUdp(EventLoop& loop, int fd, int family)
      : state_(std::make_shared<State>(loop, fd, family)) {}
  ~SocketUdp() override { Close(); }

  Task<Result<Datagram>> Receive(std::span<uint8_t> out) override {
    return ReceiveNext(state_, out);
  }
  Result<Datagram> TryReceive(std::span<uint8_t> out) override { return ReceiveNow(*state_, out); }
  Status Send(ByteSpan bytes, const Endpoint& to) override;
  void Close() override {
    if (state_->descriptor.is_open()) state_->descriptor.Close();
  }
  Endpoint local() const override { return LocalEndpoint(state_->descriptor.fd()); }

 private:
  std::shared_ptr<State> state_;
  Endpoint last_to_;
  SocketAddress last_address_;
};

Status SocketUdp::Send(ByteSpan bytes, const Endpoint& to) {
  if (!state_->descriptor.is_open()) return Closed();
  if (to.port != last_to_.port || to.address != last_to_.address) {
    const auto address = ParseAddress(to.address, to.port);
    if (!address.has_value())
      return Error(ErrorCode::kInvalidArgument, to.address + ": not a numeric address");
    last_to_ = to;
    last_address_ = state_->family == AF_INET6 ? MapToV6(*address) : *address;
  }
  const ssize_t sent = sendto(state_->descriptor.fd(), bytes.data(), bytes.size(),
                              MSG_DONTWAIT | MSG_NOSIGNAL, last_address_.get(), last_address_.size);
  if (sent < 0) return SocketError(errno, to.ToString());
  return Status();
}

}  // namespace

Result<std::unique_ptr<UdpSocket>> UdpSocket::Bind(EventLoop& loop, std::string address,
                                                   uint16_t port) {
  const auto parsed = ParseAddress(address, port);
  if (!parsed.has_value())
    return Error(ErrorCode::kInvalidArgument, address + ": not a numeric address");
  const Endpoint wanted{address, port};
  const int fd = socket(parsed->family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SocketError(errno, "socket");
  const int off = 0;
  if (parsed->family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  // Best effort: the kernel caps it.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &limits::kUdpReceiveBufferBytes, sizeof(int));
  if (bind(fd, parsed->get(), parsed->size) != 0) {
    const int error = errno;
    ::close(fd);
    return SocketError(error, "bind " + wanted.ToString());
  }
  return std::make_unique<SocketUdp>(loop, fd, parsed->family());
}

Result<std::pair<std::unique_ptr<UdpSocket>, std::unique_ptr<UdpSocket>>> UdpSocket::BindPair(
    EventLoop& loop, std::string address) {
  // The kernel's free port is even half of the time, and the next one is mostly free as well.
  constexpr int kAttempts = 64;
  for (int i = 0; i < kAttempts; ++i) {
    PS_TRY(std::unique_ptr<UdpSocket> first, Bind(loop, address, 0));
    const uint16_t port = first->local().port;
    if (port % 2 != 0) continue;
    auto second = Bind(loop, address, static_cast<uint16_t>(port + 1));
    if (second.ok()) return std::pair(std::move(first), std::move(*second));
    if (second.error().code() != ErrorCode::kAlreadyExists) return std::move(second).error();
  }
  return Error(ErrorCode::kUnavailable, address + ": no two neighbouring UDP ports are free");
}

}  // namespace penstock::net
