#include "net/event_loop.h"

#include <map>
#include <string>
#include <unordered_map>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <pthread.h>

namespace penstock::net {
namespace asio = boost::asio;

namespace {
using Context = asio::io_context;
using Alarm = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Context::executor_type>;
}  // namespace

// All timers share one alarm, set to the earliest of them. Stopping a timer leaves the alarm alone:
// at worst it rings once for nothing, which is cheaper than setting it anew for each of the many
// timeouts that never happen.
struct EventLoop::Impl {
  Context context{1};  // one thread runs it; others may still post
  asio::executor_work_guard<Context::executor_type> busy{context.get_executor()};
  Alarm alarm{context.get_executor()};
  SteadyTime alarm_time = SteadyTime::max();  // max: not set
  std::map<std::pair<SteadyTime, TimerId>, Work> timers;
  std::unordered_map<TimerId, SteadyTime> times;
  TimerId last_timer = 0;

  void SetAlarm() {
    if (timers.empty()) return;
    const SteadyTime first = timers.begin()->first.first;
    if (first >= alarm_time) return;
    alarm_time = first;
    alarm.expires_at(first);
    alarm.async_wait([this](const boost::system::error_code& error) {
      if (!error) Ring();
    });
  }

  void Ring() {
    alarm_time = SteadyTime::max();
    const SteadyTime now = std::chrono::steady_clock::now();
    while (!timers.empty() && timers.begin()->first.first <= now) {
      auto due = timers.extract(timers.begin());
      times.erase(due.key().second);
      due.mapped()();
    }
    SetAlarm();
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::Post(Work work) { asio::post(impl_->context, std::move(work)); }

Executor::TimerId EventLoop::StartTimer(SteadyTime when, Work work) {
  const TimerId id = ++impl_->last_timer;
  impl_->timers.emplace(std::pair(when, id), std::move(work));
  impl_->times.emplace(id, when);
  impl_->SetAlarm();
  return id;
}

void EventLoop::StopTimer(TimerId id) {
  const auto found = impl_->times.find(id);
  if (found == impl_->times.end()) return;
  impl_->timers.erase(std::pair(found->second, id));
  impl_->times.erase(found);
}

SteadyTime EventLoop::SteadyNow() const { return std::chrono::steady_clock::now(); }

void EventLoop::Run() {
  const CurrentScope scope(this);
  impl_->context.restart();
  impl_->context.run();
}

void EventLoop::Stop() {
  // As work of its own, so that what this thread posted before still runs.
  asio::post(impl_->context, [this] { impl_->context.stop(); });
}

void* EventLoop::native() { return &impl_->context; }

EventLoops::EventLoops(size_t count) {
  CHECK(count > 0);
  for (size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<EventLoop>());
  for (size_t i = 0; i < count; ++i) {
    threads_.emplace_back([loop = loops_[i].get()] { loop->Run(); });
    // Linux keeps 15 characters.
    pthread_setname_np(threads_.back().native_handle(), ("net-" + std::to_string(i)).c_str());
  }
}

EventLoops::~EventLoops() { Stop(); }

EventLoop& EventLoops::Next() {
  return *loops_[next_.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
}

void EventLoops::Stop() {
  for (const auto& loop : loops_) loop->Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace penstock::net
