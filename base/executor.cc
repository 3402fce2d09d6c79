#include "base/executor.h"

#include <pthread.h>

#include "base/check.h"

namespace penstock {
namespace {

thread_local Executor* current_executor = nullptr;

}  // namespace

Executor* Executor::Current() { return current_executor; }

Executor::CurrentScope::CurrentScope(Executor* executor) : before_(current_executor) {
  current_executor = executor;
}
Executor::CurrentScope::~CurrentScope() { current_executor = before_; }

void LoopExecutor::Post(Work work) {
  // Notified under the lock: once the work can run, it may end the loop, and this object with it
  // (SyncWait).
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  wake_.notify_one();
}

Executor::TimerId LoopExecutor::StartTimer(SteadyTime when, Work work) {
  const TimerId id = ++last_timer_;
  timers_.emplace(std::pair(when, id), std::move(work));
  return id;
}

void LoopExecutor::StopTimer(TimerId id) {
  std::erase_if(timers_, [id](const auto& entry) { return entry.first.second == id; });
}

void LoopExecutor::Run() {
  const CurrentScope scope(this);
  for (;;) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        if (timers_.empty()) {
          wake_.wait(lock);
        } else if (SteadyNow() >= timers_.begin()->first.first) {
          break;
        } else {
          wake_.wait_until(lock, timers_.begin()->first.first);
        }
      }
      if (!queue_.empty()) {
        work = std::move(queue_.front());
        queue_.pop_front();
      } else if (stopping_) {
        stopping_ = false;
        return;
      }
    }
    if (!work) {
      auto first = timers_.extract(timers_.begin());
      work = std::move(first.mapped());
    }
    work();
  }
}

void LoopExecutor::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  wake_.notify_one();
}

void SimulatedExecutor::Post(Work work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
}

Executor::TimerId SimulatedExecutor::StartTimer(SteadyTime when, Work work) {
  const TimerId id = ++last_timer_;
  timers_.emplace(std::pair(when, id), std::move(work));
  return id;
}

void SimulatedExecutor::StopTimer(TimerId id) {
  std::erase_if(timers_, [id](const auto& entry) { return entry.first.second == id; });
}

bool SimulatedExecutor::RunOne() {
  Work work;
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) {
      work = std::move(queue_.front());
      queue_.pop_front();
    }
  }
  if (!work) {
    if (timers_.empty() || timers_.begin()->first.first > SteadyNow()) return false;
    auto first = timers_.extract(timers_.begin());
    work = std::move(first.mapped());
  }
  const CurrentScope scope(this);
  work();
  return true;
}

void SimulatedExecutor::RunUntilIdle() {
  while (RunOne()) {
  }
}

void SimulatedExecutor::Advance(std::chrono::milliseconds by) {
  const SteadyTime end = SteadyNow() + by;
  RunUntilIdle();
  while (!timers_.empty() && timers_.begin()->first.first <= end) {
    clock_.Advance(
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - SteadyNow()));
    RunUntilIdle();
  }
  if (end > SteadyNow())
    clock_.Advance(std::chrono::ceil<std::chrono::milliseconds>(end - SteadyNow()));
  RunUntilIdle();
}

ThreadPool::ThreadPool(size_t threads, const char* name) {
  CHECK(threads > 0);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Loop(); });
    // Linux keeps 15 characters.
    pthread_setname_np(threads_.back().native_handle(), name);
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

size_t ThreadPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void ThreadPool::Loop() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace penstock
