#include "bench/mediasim/loop.h"

#include <algorithm>
#include <array>

#include <sys/epoll.h>
#include <unistd.h>

namespace mediasim {

using penstock::Status;

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Loop::~Loop() { close(epoll_); }

void Loop::Watch(int fd, Actor* actor, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = actor;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Loop::Change(int fd, Actor* actor, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = actor;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

Status Loop::Run(Time until) {
  using std::chrono::milliseconds;
  std::array<epoll_event, 256> events{};
  stopped_ = false;
  while (!stopped_) {
    Time now = SteadyClock::now();
    if (now >= until) return {};
    while (!due_.empty() && due_.top().when <= now && !stopped_) {
      Actor* const actor = due_.top().actor;
      due_.pop();
      PS_TRY_VOID(actor->Due(now));
    }
    now = SteadyClock::now();
    const Time next = due_.empty() ? until : std::min(until, due_.top().when);
    const auto left = std::clamp(next - now, Time::duration(0), Time::duration(milliseconds(1000)));
    const auto wait = std::chrono::ceil<milliseconds>(left);
    const int count =
        epoll_wait(epoll_, events.data(), int{events.size()}, static_cast<int>(wait.count()));
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      PS_TRY_VOID(static_cast<Actor*>(event.data.ptr)->Ready(event.events));
    }
  }
  return {};
}

}  // namespace mediasim
