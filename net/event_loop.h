// One thread that waits for sockets and timers. A program has as many as it has cores.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/executor.h"

namespace penstock::net {

class EventLoop final : public Executor {
 public:
  EventLoop();
  ~EventLoop() override;  // Requires that Run has returned.
  EventLoop(const EventLoop&) = delete;

  void Post(Work work) override;
  TimerId StartTimer(SteadyTime when, Work work) override;
  void StopTimer(TimerId id) override;
  SteadyTime SteadyNow() const override;

  // Serves until Stop (from any thread). Called by the loop's one thread.
  void Run();
  void Stop();

  // For the .cc files of net only: the asio::io_context.
  void* native();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Threads with a loop each; started by the constructor, stopped and joined by Stop or the
// destructor.
class EventLoops {
 public:
  explicit EventLoops(size_t count);
  ~EventLoops();
  size_t size() const { return loops_.size(); }
  EventLoop& operator[](size_t i) { return *loops_[i]; }
  // Round robin; thread-safe.
  EventLoop& Next();
  void Stop();

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> next_{0};
};

}  // namespace penstock::net
