// A connection to the server that is measured. What the kernel does not take at once is kept.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include "base/result.h"
#include "bench/mediasim/loop.h"

namespace mediasim {

class Connection {
 public:
  // To 127.0.0.1. Both outlive it.
  static penstock::Result<Connection> Open(Loop& loop, Actor* actor, uint16_t port);
  Connection() = default;
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection();

  bool open() const { return fd_ >= 0; }
  bool backed_up() const { return !backlog_.empty(); }
  penstock::Status Write(std::span<const iovec> parts);
  penstock::Status Write(std::string_view text);
  // On EPOLLOUT.
  penstock::Status Flush();
  // What has come, at most one buffer full, valid until the next call of any connection; empty if
  // nothing has. kClosed at the end.
  static constexpr size_t kReadBytes = size_t{256} << 10;
  penstock::Result<std::string_view> Read();
  void Close();

 private:
  Loop* loop_ = nullptr;
  Actor* actor_ = nullptr;
  int fd_ = -1;
  std::string backlog_;
};

}  // namespace mediasim
