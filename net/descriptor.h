// A socket's descriptor, known to one loop: the only thing sockets need from Asio. Internal to net.
#pragma once

#include <coroutine>
#include <memory>
#include <span>

#include "net/event_loop.h"

namespace penstock::net {

// Owns the descriptor. Used on its loop's thread only; made and destroyed on any thread while
// nothing waits on it. Destroying it or closing it ends waits with ECANCELED: whoever waits must
// not touch this object afterwards unless he knows that it lives.
class Descriptor {
 public:
  // `fd` is a non-blocking socket.
  Descriptor(EventLoop& loop, int fd);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;

  EventLoop& loop() const { return loop_; }
  int fd() const { return fd_; }  // -1 after Close or Release
  bool is_open() const { return fd_ >= 0; }

  // `co_await` gives 0 or an errno. A named local variable, please: GCC 12.
  class Wait {
   public:
    enum class For { kRead, kWrite };
    Wait(Descriptor& descriptor, For what) : descriptor_(descriptor), what_(what) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self);
    int await_resume() const noexcept { return error_; }

   private:
    Descriptor& descriptor_;
    const For what_;
    int error_ = 0;
  };

  // Waits and reads in one: the bytes are taken as soon as the loop hears of them. Gives 0 or an
  // errno; bytes() == 0 without an error is the peer's end of the stream.
  class Read {
   public:
    Read(Descriptor& descriptor, std::span<uint8_t> out) : descriptor_(descriptor), out_(out) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self);
    int await_resume() const noexcept { return error_; }
    size_t bytes() const { return bytes_; }

   private:
    Descriptor& descriptor_;
    const std::span<uint8_t> out_;
    int error_ = 0;
    size_t bytes_ = 0;
  };

  // What waits now ends with ECANCELED; the descriptor stays usable.
  void Interrupt();
  void Close();
  // The caller owns the descriptor again; this object is as after Close.
  int Release();

 private:
  struct Impl;
  EventLoop& loop_;
  int fd_;
  std::unique_ptr<Impl> impl_;
};

// Lets everything else that is ready on the loop have its turn.
class YieldTo {
 public:
  explicit YieldTo(Executor& executor) : executor_(executor) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) {
    executor_.Post([self] { self.resume(); });
  }
  void await_resume() const noexcept {}

 private:
  Executor& executor_;
};

}  // namespace penstock::net
