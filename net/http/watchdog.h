// A time limit that is moved for every step of a conversation and almost never reached.
#pragma once

#include <functional>

#include "base/executor.h"

namespace penstock::net {

// Moving the limit costs a comparison: the timer stays where it is as long as that is not too late,
// and looks again when it rings. Home thread only.
class Watchdog {
 public:
  // `bark` runs on the executor, once for each Set that was not followed by another or by Clear in
  // time.
  Watchdog(Executor& executor, std::function<void()> bark)
      : executor_(executor), bark_(std::move(bark)) {}
  ~Watchdog() { StopTimer(); }
  Watchdog(const Watchdog&) = delete;

  void Set(std::chrono::milliseconds from_now) {
    deadline_ = executor_.SteadyNow() + from_now;
    if (timer_ != 0 && rings_ <= deadline_) return;
    StopTimer();
    StartTimer();
  }
  void Clear() { deadline_ = SteadyTime::max(); }

 private:
  void StartTimer() {
    rings_ = deadline_;
    timer_ = executor_.StartTimer(rings_, [this] {
      timer_ = 0;
      if (deadline_ == SteadyTime::max()) return;
      if (executor_.SteadyNow() < deadline_) return StartTimer();
      deadline_ = SteadyTime::max();
      bark_();
    });
  }
  void StopTimer() {
    if (timer_ != 0) executor_.StopTimer(timer_);
    timer_ = 0;
  }

  Executor& executor_;
  const std::function<void()> bark_;
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime rings_;
  Executor::TimerId timer_ = 0;
};

}  // namespace penstock::net
