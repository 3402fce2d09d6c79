// A thread that runs work in order. What waits is a coroutine on an executor; what may block runs
// on a ThreadPool.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/time.h"

namespace penstock {

class Executor {
 public:
  using Work = std::function<void()>;
  using TimerId = uint64_t;

  virtual ~Executor() = default;

  // Thread-safe. Work posted by one thread runs in the order it was posted, each to its end before
  // the next.
  virtual void Post(Work work) = 0;

  // Runs work on this executor at or soon after `when`. Only from this executor's own thread.
  virtual TimerId StartTimer(SteadyTime when, Work work) = 0;
  // Afterwards the timer's work will not run. Ids of timers that ran are ignored. Only from this
  // executor's own thread.
  virtual void StopTimer(TimerId id) = 0;
  // The steady clock the timers go by.
  virtual SteadyTime SteadyNow() const = 0;

  // The executor whose work this thread is running now; nullptr outside of any.
  static Executor* Current();
  bool IsCurrent() const { return Current() == this; }

 protected:
  // An implementation holds one of these around the work it runs.
  class CurrentScope {
   public:
    explicit CurrentScope(Executor* executor);
    ~CurrentScope();
    CurrentScope(const CurrentScope&) = delete;

   private:
    Executor* before_;
  };
};

// An executor that some thread drives by calling Run; for SyncWait and for programs without
// sockets.
class LoopExecutor final : public Executor {
 public:
  void Post(Work work) override;
  TimerId StartTimer(SteadyTime when, Work work) override;
  void StopTimer(TimerId id) override;
  SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now(); }

  // Runs work until Stop was called (from any thread), waiting when there is none.
  void Run();
  void Stop();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  bool stopping_ = false;
  // Home thread only.
  std::map<std::pair<SteadyTime, TimerId>, Work> timers_;
  TimerId last_timer_ = 0;
};

// For tests: nothing runs unless told to, and time moves only by Advance. Post is thread-safe; the
// rest is the test's thread only.
class SimulatedExecutor final : public Executor {
 public:
  // The clock is advanced together with the timers; it must outlive this.
  explicit SimulatedExecutor(SimulatedClock& clock) : clock_(clock) {}

  void Post(Work work) override;
  TimerId StartTimer(SteadyTime when, Work work) override;
  void StopTimer(TimerId id) override;
  SteadyTime SteadyNow() const override { return clock_.SteadyNow(); }

  // Runs what is posted, and what that posts, until nothing is left. Timers do not fire unless they
  // are due.
  void RunUntilIdle();
  // Moves the clock, stopping at each timer on the way to run it.
  void Advance(std::chrono::milliseconds by);
  size_t timers() const { return timers_.size(); }

 private:
  bool RunOne();

  SimulatedClock& clock_;
  std::mutex mutex_;
  std::deque<Work> queue_;
  std::map<std::pair<SteadyTime, TimerId>, Work> timers_;
  TimerId last_timer_ = 0;
};

// Threads for calls that block (disk, name lookup). No order among work items. The destructor
// finishes what is queued.
class ThreadPool {
 public:
  explicit ThreadPool(size_t threads, const char* name);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;

  void Post(std::function<void()> work);
  size_t queued() const;

 private:
  void Loop();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace penstock
