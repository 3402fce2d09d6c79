#include "bench/camsim/simulator.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace camsim {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Result;
using penstock::Status;

namespace {

enum FixedId : uint64_t { kListener = 1, kSignals = 2, kRtp = 3, kRtcp = 4 };

Error SystemError(std::string_view what) {
  return Error(ErrorCode::kIo, fmt::format("{}: {}", what, strerror(errno)));
}

Result<sockaddr_in> ParseAddress(const std::string& address, uint16_t port) {
  sockaddr_in parsed{};
  parsed.sin_family = AF_INET;
  parsed.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &parsed.sin_addr) != 1) {
    return Error(ErrorCode::kInvalidArgument, address + ": no IPv4 address");
  }
  return parsed;
}

uint16_t BoundPort(int fd) {
  sockaddr_in bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.sin_port);
}

// Bound, or -1.
int BindUdp(sockaddr_in address, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  address.sin_port = htons(port);
  const int send_buffer = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

// RTP at an even port, RTCP at the next.
Status BindRtp(Studio& studio, const sockaddr_in& address) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int any = BindUdp(address, 0);
    if (any < 0) return SystemError("bind");
    const uint16_t port = BoundPort(any);
    if (port % 2 == 0) {
      const int next = BindUdp(address, static_cast<uint16_t>(port + 1));
      if (next >= 0) {
        studio.rtp_socket = any;
        studio.rtcp_socket = next;
        studio.rtp_port = port;
        studio.rtcp_port = static_cast<uint16_t>(port + 1);
        return {};
      }
    }
    close(any);
  }
  return Error(ErrorCode::kUnavailable, "no two neighbouring UDP ports are free");
}

void Discard(int fd) {
  char buffer[2048];
  while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0) {
  }
}

}  // namespace

Simulator::Simulator(Studio studio) : studio_(std::move(studio)) {}

Simulator::~Simulator() {
  sessions_.clear();
  for (const int fd : {studio_.rtp_socket, studio_.rtcp_socket, signals_, listener_, epoll_}) {
    if (fd >= 0) close(fd);
  }
}

Result<uint16_t> Simulator::Listen(const std::string& address, uint16_t port) {
  PS_TRY(const sockaddr_in bind_to, ParseAddress(address, port));
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (epoll_ < 0 || listener_ < 0) return SystemError("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&bind_to), sizeof(bind_to)) != 0 ||
      listen(listener_, SOMAXCONN) != 0) {
    return SystemError(fmt::format("{}:{}", address, port));
  }
  PS_TRY_VOID(BindRtp(studio_, bind_to));

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC);

  Watch(listener_, kListener, EPOLLIN, EPOLL_CTL_ADD);
  Watch(signals_, kSignals, EPOLLIN, EPOLL_CTL_ADD);
  Watch(studio_.rtp_socket, kRtp, EPOLLIN, EPOLL_CTL_ADD);
  Watch(studio_.rtcp_socket, kRtcp, EPOLLIN, EPOLL_CTL_ADD);
  return BoundPort(listener_);
}

void Simulator::Watch(int fd, uint64_t id, uint32_t events, int operation) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  epoll_ctl(epoll_, operation, fd, &event);
}

Status Simulator::Run() {
  std::array<epoll_event, 64> events{};
  while (true) {
    const int count =
        epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), TimeoutMs());
    if (count < 0 && errno != EINTR) return SystemError("epoll_wait");
    for (int i = 0; i < count; ++i) {
      switch (events[i].data.u64) {
        case kSignals:
          return {};
        case kListener:
          Accept();
          break;
        case kRtp:
          Discard(studio_.rtp_socket);
          break;
        case kRtcp:
          Discard(studio_.rtcp_socket);
          break;
        default:
          Serve(events[i].data.u64, events[i].events);
      }
    }
    SendDue();
  }
}

int Simulator::TimeoutMs() const {
  if (due_.empty()) return -1;
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(due_.top().when - SteadyClock::now());
  return static_cast<int>(std::clamp<int64_t>(wait.count(), 0, 60'000));
}

void Simulator::Accept() {
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  const int fd =
      accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const uint64_t id = ++last_id_;
  sessions_[id] = std::make_unique<Session>(studio_, counts_, fd, peer);
  Watch(fd, id, EPOLLIN, EPOLL_CTL_ADD);
}

void Simulator::Serve(uint64_t id, uint32_t events) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  Session& session = *found->second;
  const bool was_playing = session.playing();
  bool alive = true;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) alive = session.Read();
  if (alive && (events & EPOLLOUT) != 0) alive = session.Flush();
  if (!alive) {
    sessions_.erase(found);
    return;
  }
  if (session.playing() && !was_playing) Schedule(id, session);
  Watch(session.fd(), id, session.wants_to_write() ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void Simulator::Schedule(uint64_t id, const Session& session) {
  due_.push({.when = session.due(), .session = id});
}

void Simulator::SendDue() {
  const Time now = SteadyClock::now();
  while (!due_.empty() && due_.top().when <= now) {
    const uint64_t id = due_.top().session;
    due_.pop();
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !found->second->playing()) continue;
    Session& session = *found->second;
    const bool had_backlog = session.wants_to_write();
    if (!session.SendDue(now)) {
      sessions_.erase(found);
      continue;
    }
    if (session.wants_to_write() && !had_backlog) {
      Watch(session.fd(), id, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    Schedule(id, session);
  }
}

}  // namespace camsim
