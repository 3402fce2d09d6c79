#include "base/task.h"

namespace penstock {
namespace {

// A coroutine that owns itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached RunDetached(Task<void> task) { co_await task; }

}  // namespace

void Detach(Task<void> task) { RunDetached(std::move(task)); }

CancelToken::Registration CancelToken::OnCancel(std::function<void()> callback) const {
  Registration registration;
  if (!state_) return registration;
  if (state_->cancelled) {
    callback();
    return registration;
  }
  registration.state_ = state_;
  registration.id_ = ++state_->last_id;
  state_->callbacks.emplace(registration.id_, std::move(callback));
  return registration;
}

void CancelSource::Cancel() {
  if (state_->cancelled) return;
  state_->cancelled = true;
  const std::shared_ptr<CancelState> keep = state_;
  // A callback may drop other registrations; take one at a time.
  while (!keep->callbacks.empty()) {
    auto first = keep->callbacks.extract(keep->callbacks.begin());
    first.mapped()();
  }
}

Task<Status> Sleep(std::chrono::milliseconds duration, CancelToken token) {
  Executor* const executor = Executor::Current();
  CHECK(executor != nullptr);
  if (token.cancelled()) co_return Error(ErrorCode::kCancelled, "cancelled");
  Oneshot<bool> woken;
  const Executor::TimerId timer =
      executor->StartTimer(executor->SteadyNow() + duration, [woken] { woken.Set(true); });
  auto registration = token.OnCancel([woken, executor, timer] {
    executor->StopTimer(timer);
    if (!woken.is_set()) woken.Set(false);
  });
  const bool slept = co_await woken;
  if (!slept) co_return Error(ErrorCode::kCancelled, "cancelled");
  co_return Status();
}

TaskGroup::~TaskGroup() { CHECK(running_ == 0); }

Task<void> TaskGroup::Track(Task<void> task) {
  co_await task;
  if (--running_ == 0 && idle_.has_value()) {
    const Oneshot<Unit> idle = *idle_;
    idle_.reset();
    idle.Set(Unit());
  }
}

void TaskGroup::Spawn(Task<void> task) {
  ++running_;
  Detach(Track(std::move(task)));
}

Task<void> TaskGroup::Join() {
  while (running_ > 0) {
    CHECK(!idle_.has_value());
    idle_.emplace();
    const Oneshot<Unit> idle = *idle_;
    co_await idle;
  }
}

}  // namespace penstock
