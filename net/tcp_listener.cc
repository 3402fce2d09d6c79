#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/descriptor.h"
#include "net/sockaddr.h"
#include "net/tcp.h"
#include "net/tcp_stream.h"

namespace penstock::net {
namespace {

struct State {
  State(EventLoop& loop, int fd, Endpoint at) : descriptor(loop, fd), local(std::move(at)) {}

  Descriptor descriptor;
  const Endpoint local;
  CancelSource closing;
  bool exhausted = false;  // the log has said so
};

bool OutOfResources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}
// The connection that was to be accepted is gone already (accept(2) lists these); the next one may
// be fine.
bool ConnectionFailed(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN ||
         error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
         error == EOPNOTSUPP || error == ENETUNREACH;
}

// The kernel gives out the lowest free number, so that this one tells how many are in use. The last
// ones belong to files: a log that cannot open its next segment is read-only from then on, and
// whoever can connect could bring that about.
bool LeavesTooFew(int fd) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  const rlim_t reserved = std::min<rlim_t>(limits::kReservedDescriptors, limit.rlim_cur / 2);
  return static_cast<rlim_t>(fd) >= limit.rlim_cur - reserved;
}

void NoteExhausted(State& state, const std::string& reason) {
  if (!state.exhausted) {
    log::Write(log::kError, "cannot accept connections",
               {{"local", state.local.ToString()}, {"reason", reason}});
  }
  state.exhausted = true;
}

void Refuse(State& state, int fd) {
  ::close(fd);
  static metrics::Counter& refused =
      metrics::GetCounter("penstock_connections_refused_total",
                          "Connections closed at once to keep file descriptors for the store");
  refused.Add();
  NoteExhausted(state, "the process has too few file descriptors left (ulimit -n)");
}

Error Closed(const State& state) {
  return Error(ErrorCode::kCancelled, state.local.ToString() + ": the listener was closed");
}

Task<Result<std::unique_ptr<TcpStream>>> AcceptOne(std::shared_ptr<State> state, EventLoop& on) {
  while (state->descriptor.is_open()) {
    SocketAddress from;
    const int fd =
        accept4(state->descriptor.fd(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error = fd < 0 ? errno : 0;
    if (error == 0 && !state->local.is_unix() && LeavesTooFew(fd)) {
      Refuse(*state, fd);
      continue;
    }
    if (error == 0) {
      state->exhausted = false;
      co_return MakeTcpStream(on, fd, state->local.is_unix() ? state->local : ToEndpoint(from));
    }
    if (error == EAGAIN) {
      Descriptor::Wait wait(state->descriptor, Descriptor::Wait::For::kRead);
      (void)co_await wait;  // an error shows again in accept4
    } else if (OutOfResources(error)) {
      NoteExhausted(*state, SocketError(error, "accept").message());
      (void)co_await Sleep(limits::kAcceptPause, state->closing.token());
    } else if (!ConnectionFailed(error)) {
      co_return SocketError(error, state->local.ToString());
    }
  }
  co_return Closed(*state);
}

class SocketListener final : public TcpListener {
 public:
  SocketListener(EventLoop& loop, int fd, Endpoint local)
      : state_(std::make_shared<State>(loop, fd, std::move(local))) {}
  ~SocketListener() override { Close(); }

  Task<Result<std::unique_ptr<TcpStream>>> Accept(EventLoop& on) override {
    return AcceptOne(state_, on);
  }
  void Close() override {
    if (!state_->descriptor.is_open()) return;
    state_->descriptor.Close();
    // Best effort: a file that stays is replaced by the next start.
    if (state_->local.is_unix()) ::unlink(state_->local.address.c_str());
    state_->closing.Cancel();
  }
  Endpoint local() const override { return state_->local; }

 private:
  std::shared_ptr<State> state_;
};

// Closes the descriptor unless it was taken.
class Opened {
 public:
  explicit Opened(int family)
      : fd_(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }
  Opened(const Opened&) = delete;
  int fd() const { return fd_; }
  int Take() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error ListenError(int error, const Endpoint& at) {
  if (error == EADDRINUSE) {
    return Error(ErrorCode::kAlreadyExists,
                 at.is_unix()
                     ? at.ToString() + ": another process listens there"
                     : "port " + std::to_string(at.port) + " is taken (" + at.ToString() + ")");
  }
  return SocketError(error, "listen on " + at.ToString());
}

// A file left by a process that died: nobody answers there.
bool IsStale(const SocketAddress& address) {
  const Opened probe(AF_UNIX);
  return probe.fd() >= 0 && connect(probe.fd(), address.get(), address.size) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

Result<std::unique_ptr<TcpListener>> TcpListener::Listen(EventLoop& loop, std::string address,
                                                         uint16_t port) {
  const auto parsed = ParseAddress(address, port);
  if (!parsed.has_value())
    return Error(ErrorCode::kInvalidArgument, address + ": not a numeric address");
  const Endpoint wanted{address, port};
  Opened socket(parsed->family());
  if (socket.fd() < 0) return ListenError(errno, wanted);
  const int on = 1;
  const int off = 0;
  setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // "::" serves IPv4, too, whatever the machine's default is.
  if (parsed->family() == AF_INET6)
    setsockopt(socket.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  SetTcpOptions(socket.fd());
  if (bind(socket.fd(), parsed->get(), parsed->size) != 0) return ListenError(errno, wanted);
  if (listen(socket.fd(), SOMAXCONN) != 0) return ListenError(errno, wanted);
  const Endpoint local = LocalEndpoint(socket.fd());
  return std::make_unique<SocketListener>(loop, socket.Take(), local);
}

Result<std::unique_ptr<TcpListener>> TcpListener::ListenUnix(EventLoop& loop, std::string path,
                                                             int mode) {
  Endpoint local;
  local.address = path;
  if (!local.is_unix()) local.address.insert(0, "./");
  PS_TRY(const SocketAddress address, UnixAddress(path));
  Opened socket(AF_UNIX);
  if (socket.fd() < 0) return ListenError(errno, local);
  if (IsStale(address)) ::unlink(path.c_str());
  // Linux gives the file the socket's mode, less the umask: never more than asked, not even for a
  // moment.
  fchmod(socket.fd(), static_cast<mode_t>(mode));
  if (bind(socket.fd(), address.get(), address.size) != 0) return ListenError(errno, local);
  if (chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) return ListenError(errno, local);
  if (listen(socket.fd(), SOMAXCONN) != 0) return ListenError(errno, local);
  return std::make_unique<SocketListener>(loop, socket.Take(), local);
}

}  // namespace penstock::net
