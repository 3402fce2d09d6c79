// Coroutines: Task<T> is a computation that may wait. It starts when it is awaited, runs on the
// awaiting executor, and its result or exception goes to the one who awaits. Nothing here blocks,
// except SyncWait.
//
// GCC 12: no braces (temporaries, initializer lists, capturing lambdas) in one expression with
// co_await; parameters by value; lambdas that are coroutines capture nothing.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/executor.h"
#include "base/result.h"

namespace penstock {

template <class T = void>
class Task;

namespace task_internal {

class PromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      PromiseBase& promise = self.promise();
      // Whoever comes second runs the continuation: here if the awaiter has suspended already. The
      // frame may be gone afterwards.
      if (promise.met_.exchange(true, std::memory_order_acq_rel)) promise.continuation_.resume();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }

  void unhandled_exception() { exception_ = std::current_exception(); }
  void RethrowIfFailed() const {
    if (exception_) std::rethrow_exception(exception_);
  }

  // Returns true if the awaiter must stay suspended. No symmetric transfer: a loop over children
  // that finish at once would need tail calls, which sanitizer and debug builds do not make.
  template <class Promise>
  bool Start(std::coroutine_handle<Promise> self, std::coroutine_handle<> continuation) {
    continuation_ = continuation;
    self.resume();
    return !met_.exchange(true, std::memory_order_acq_rel);
  }

 private:
  std::coroutine_handle<> continuation_;
  std::exception_ptr exception_;
  std::atomic<bool> met_{false};
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T Take() {
    RethrowIfFailed();
    CHECK(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() {}
  void Take() { RethrowIfFailed(); }
};

}  // namespace task_internal

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;

  Task() = default;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // A task is awaited once.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    return handle_.promise().Start(handle_, awaiting);
  }
  T await_resume() { return handle_.promise().Take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

namespace task_internal {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace task_internal

// Starts a task at once on this thread and forgets it. An exception out of it is a broken
// invariant. Prefer TaskGroup.
void Detach(Task<void> task);

// `co_await SwitchTo(executor)`: what follows runs there.
class SwitchTo {
 public:
  explicit SwitchTo(Executor& executor) : executor_(executor) {}
  bool await_ready() const { return executor_.IsCurrent(); }
  void await_suspend(std::coroutine_handle<> self) {
    executor_.Post([self] { self.resume(); });
  }
  void await_resume() {}

 private:
  Executor& executor_;
};

// A value handed over once, from any thread. The awaiter resumes on the executor it awaited on;
// awaited outside of any executor, on the thread that sets the value.
template <class T>
class Oneshot {
 public:
  Oneshot() : state_(std::make_shared<State>()) {}

  // At most once. Copies of a Oneshot share one state, so the setter keeps a copy.
  void Set(T value) const {
    std::coroutine_handle<> waiter;
    Executor* executor = nullptr;
    {
      const std::lock_guard lock(state_->mutex);
      CHECK(!state_->value.has_value());
      state_->value.emplace(std::move(value));
      waiter = std::exchange(state_->waiter, nullptr);
      executor = state_->executor;
    }
    if (!waiter) return;
    if (executor == nullptr) {
      waiter.resume();
    } else {
      executor->Post([waiter] { waiter.resume(); });
    }
  }
  bool is_set() const {
    const std::lock_guard lock(state_->mutex);
    return state_->value.has_value();
  }

  bool await_ready() const { return is_set(); }
  bool await_suspend(std::coroutine_handle<> self) const {
    const std::lock_guard lock(state_->mutex);
    if (state_->value.has_value()) return false;
    state_->waiter = self;
    state_->executor = Executor::Current();
    return true;
  }
  // Moves the value out: one awaiter only.
  T await_resume() const {
    const std::lock_guard lock(state_->mutex);
    return std::move(*state_->value);
  }

 private:
  struct State {
    std::mutex mutex;
    std::optional<T> value;
    std::coroutine_handle<> waiter;
    Executor* executor = nullptr;
  };
  std::shared_ptr<State> state_;
};

struct Unit {};

// What tokens and their source share.
struct CancelState {
  bool cancelled = false;
  uint64_t last_id = 0;
  std::map<uint64_t, std::function<void()>> callbacks;
};

// Cancelling is telling: registered callbacks run once, on the thread that cancels (the owner's
// home thread). What they do is close or stop whatever the task waits for. Not thread-safe.
class CancelToken {
 public:
  CancelToken() = default;  // never cancelled
  bool cancelled() const { return state_ && state_->cancelled; }

  // Keeps a callback registered while it lives.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept : state_(std::move(other.state_)), id_(other.id_) {}
    Registration& operator=(Registration&& other) noexcept {
      Drop();
      state_ = std::move(other.state_);
      id_ = other.id_;
      return *this;
    }
    ~Registration() { Drop(); }

   private:
    friend class CancelToken;
    void Drop() {
      if (state_) state_->callbacks.erase(id_);
      state_.reset();
    }
    std::shared_ptr<CancelState> state_;
    uint64_t id_ = 0;
  };
  // Runs the callback at once if it is too late to register.
  [[nodiscard]] Registration OnCancel(std::function<void()> callback) const;

 private:
  friend class CancelSource;
  std::shared_ptr<CancelState> state_;
};

class CancelSource {
 public:
  CancelSource() : state_(std::make_shared<CancelState>()) {}
  CancelToken token() const {
    CancelToken token;
    token.state_ = state_;
    return token;
  }
  void Cancel();
  bool cancelled() const { return state_->cancelled; }

 private:
  std::shared_ptr<CancelState> state_;
};

// Waits on the current executor's timer. kCancelled if the token fires first.
Task<Status> Sleep(std::chrono::milliseconds duration, CancelToken token = {});

// The owner of spawned tasks: it outlives them. Home thread only. Join before destruction.
class TaskGroup {
 public:
  TaskGroup() = default;
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  CancelToken token() const { return source_.token(); }
  // Starts the task at once, on this thread. It must end on this thread, too. An exception out of
  // it is a broken invariant.
  void Spawn(Task<void> task);
  void Cancel() { source_.Cancel(); }
  // Waits until every task has ended; tasks may be spawned meanwhile.
  Task<void> Join();
  size_t running() const { return running_; }

 private:
  Task<void> Track(Task<void> task);

  CancelSource source_;
  size_t running_ = 0;
  std::optional<Oneshot<Unit>> idle_;
};

// Runs fn, which may block, on the pool; comes back to the executor it was called on.
template <class Fn>
Task<std::invoke_result_t<Fn>> RunBlocking(ThreadPool& pool, Fn fn) {
  using R = std::invoke_result_t<Fn>;
  if constexpr (std::is_void_v<R>) {
    Oneshot<Unit> done;
    pool.Post([done, fn = std::move(fn)]() mutable {
      fn();
      done.Set(Unit());
    });
    co_await done;
  } else {
    Oneshot<R> done;
    pool.Post([done, fn = std::move(fn)]() mutable { done.Set(fn()); });
    co_return co_await done;
  }
}

// Runs a task on another executor and comes back. Requires that the caller is on an executor.
template <class T>
Task<T> RunOn(Executor& executor, Task<T> task) {
  Executor* const home = Executor::Current();
  CHECK(home != nullptr);
  co_await SwitchTo(executor);
  if constexpr (std::is_void_v<T>) {
    co_await task;
    co_await SwitchTo(*home);
  } else {
    T value = co_await task;
    co_await SwitchTo(*home);
    co_return value;
  }
}

// Runs a task to its end on this thread, which must not be an executor's. For tests, tools and
// main.
template <class T>
T SyncWait(Task<T> task) {
  CHECK(Executor::Current() == nullptr);
  LoopExecutor loop;
  if constexpr (std::is_void_v<T>) {
    auto run = [](Task<void> inner, LoopExecutor& l) -> Task<void> {
      co_await inner;
      l.Stop();
    };
    loop.Post([&] { Detach(run(std::move(task), loop)); });
    loop.Run();
  } else {
    std::optional<T> out;
    auto run = [](Task<T> inner, std::optional<T>& result, LoopExecutor& l) -> Task<void> {
      result.emplace(co_await inner);
      l.Stop();
    };
    loop.Post([&] { Detach(run(std::move(task), out, loop)); });
    loop.Run();
    return std::move(*out);
  }
}

}  // namespace penstock
