#include "bench/mediasim/connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mediasim {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Result;
using penstock::Status;

namespace {

Error SystemError(std::string_view what) {
  return Error(ErrorCode::kIo, fmt::format("{}: {}", what, strerror(errno)));
}

}  // namespace

Result<Connection> Connection::Open(Loop& loop, Actor* actor, uint16_t port) {
  Connection made;
  made.loop_ = &loop;
  made.actor_ = actor;
  made.fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(made.fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0)
    return SystemError("connect");
  const int yes = 1;
  setsockopt(made.fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  loop.Watch(made.fd_, actor, EPOLLIN);
  return made;
}

Connection::Connection(Connection&& other) noexcept { *this = std::move(other); }

Connection& Connection::operator=(Connection&& other) noexcept {
  Close();
  loop_ = other.loop_;
  actor_ = other.actor_;
  fd_ = std::exchange(other.fd_, -1);
  backlog_ = std::move(other.backlog_);
  return *this;
}

Connection::~Connection() { Close(); }

void Connection::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  backlog_.clear();
}

Status Connection::Write(std::span<const iovec> parts) {
  const bool waiting = backed_up();
  size_t sent = 0;
  if (!waiting) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    const ssize_t count = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return SystemError("send");
    sent = count < 0 ? 0 : static_cast<size_t>(count);
  }
  for (const iovec& part : parts) {
    const size_t skip = std::min(sent, part.iov_len);
    backlog_.append(static_cast<const char*>(part.iov_base) + skip, part.iov_len - skip);
    sent -= skip;
  }
  if (backed_up() && !waiting) loop_->Change(fd_, actor_, EPOLLIN | EPOLLOUT);
  return {};
}

Status Connection::Write(std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  return Write(std::span(&part, 1));
}

Status Connection::Flush() {
  if (!backed_up()) return {};
  const ssize_t count = send(fd_, backlog_.data(), backlog_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EINTR) return {};
    return SystemError("send");
  }
  backlog_.erase(0, static_cast<size_t>(count));
  if (!backed_up()) loop_->Change(fd_, actor_, EPOLLIN);
  return {};
}

Result<std::string_view> Connection::Read() {
  static std::vector<char> buffer(kReadBytes);
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) return std::string_view(buffer.data(), static_cast<size_t>(count));
  if (count == 0) return Error(ErrorCode::kClosed, "the server ended the connection");
  if (errno == EAGAIN || errno == EINTR) return std::string_view();
  return SystemError("recv");
}

}  // namespace mediasim
