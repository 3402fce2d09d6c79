#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "net/blocking.h"
#include "net/descriptor.h"
#include "net/sockaddr.h"
#include "net/tcp.h"
#include "net/tcp_stream.h"

namespace penstock::net {
namespace {

using Connected = Result<std::unique_ptr<TcpStream>>;

Result<int> OpenSocket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SocketError(errno, "socket");
  return fd;
}

// A wait that the clock and the token may end early; the descriptor must outlive the call.
Task<int> WaitForConnection(Descriptor& descriptor, SteadyTime deadline, CancelToken token) {
  EventLoop& loop = descriptor.loop();
  bool late = false;
  const Executor::TimerId timer = loop.StartTimer(deadline, [&descriptor, &late] {
    late = true;
    descriptor.Interrupt();
  });
  const auto registration = token.OnCancel([&descriptor] { descriptor.Interrupt(); });
  Descriptor::Wait wait(descriptor, Descriptor::Wait::For::kWrite);
  int error = 0;
  if (!token.cancelled()) error = co_await wait;
  loop.StopTimer(timer);
  if (token.cancelled()) co_return ECANCELED;
  if (late) co_return ETIMEDOUT;
  if (error == 0) {
    socklen_t size = sizeof error;
    getsockopt(descriptor.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  co_return error;
}

Task<Connected> ConnectTo(EventLoop& loop, SocketAddress address, SteadyTime deadline,
                          CancelToken token) {
  const Endpoint peer = ToEndpoint(address);
  PS_CO_TRY(const int fd, OpenSocket(address.family()));
  SetTcpOptions(fd);
  Descriptor descriptor(loop, fd);
  int error = 0;
  if (connect(fd, address.get(), address.size) != 0) error = errno;
  if (error == EINPROGRESS) error = co_await WaitForConnection(descriptor, deadline, token);
  if (error != 0) co_return SocketError(error, peer.ToString());
  const int connected = descriptor.Release();
  if (connected < 0)
    co_return Error(ErrorCode::kInternal, "the descriptor could not be taken off its loop");
  co_return MakeTcpStream(loop, connected, peer);
}

}  // namespace

Task<Connected> TcpStream::Connect(EventLoop& loop, std::string host, uint16_t port,
                                   std::chrono::milliseconds timeout, CancelToken token) {
  const SteadyTime deadline = loop.SteadyNow() + timeout;
  PS_CO_TRY(const std::vector<SocketAddress> addresses,
            co_await Resolve(host, port, deadline, token));
  Error last(ErrorCode::kTimeout, host + ": no time to connect");
  for (size_t i = 0; i < addresses.size(); ++i) {
    const SteadyTime now = loop.SteadyNow();
    if (now >= deadline || token.cancelled()) break;
    // So that one address that swallows packets leaves time for the next.
    const auto share = (deadline - now) / static_cast<int64_t>(addresses.size() - i);
    Connected stream = co_await ConnectTo(loop, addresses[i], now + share, token);
    if (stream.ok()) co_return stream;
    last = std::move(stream).error();
  }
  if (token.cancelled()) co_return Error(ErrorCode::kCancelled, host + ": cancelled");
  co_return last;
}

Task<Connected> TcpStream::ConnectUnix(EventLoop& loop, std::string path) {
  PS_CO_TRY(const SocketAddress address, UnixAddress(path));
  PS_CO_TRY(const int fd, OpenSocket(AF_UNIX));
  Endpoint peer;
  peer.address = path;
  if (!peer.is_unix()) peer.address.insert(0, "./");
  // Done at once or not at all: a full backlog is EAGAIN.
  const int error = connect(fd, address.get(), address.size) == 0 ? 0 : errno;
  std::unique_ptr<TcpStream> stream = MakeTcpStream(loop, fd, peer);
  if (error != 0) co_return SocketError(error, path);
  co_return stream;
}

}  // namespace penstock::net
