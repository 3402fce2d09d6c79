// One thread for all: epoll for the conversations, a heap of due times for what has a rhythm.
#pragma once

#include <chrono>
#include <cstdint>
#include <queue>
#include <vector>

#include "base/result.h"

namespace mediasim {

using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;

// Something with a socket, a rhythm, or both. Outlives the loop's run.
class Actor {
 public:
  virtual ~Actor() = default;
  // Its socket may be read or written (EPOLLIN, EPOLLOUT). An error ends the run.
  virtual penstock::Status Ready(uint32_t events) = 0;
  // A time that it asked for has come.
  virtual penstock::Status Due(Time now) = 0;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;

  void Watch(int fd, Actor* actor, uint32_t events);   // from now on
  void Change(int fd, Actor* actor, uint32_t events);  // of one that is watched
  void At(Time when, Actor* actor) { due_.push({when, actor}); }

  // Until that time, or until an actor calls Stop, or an error of one. May be called again.
  penstock::Status Run(Time until);
  void Stop() { stopped_ = true; }

 private:
  struct Appointment {
    Time when;
    Actor* actor;
    bool operator>(const Appointment& other) const { return when > other.when; }
  };

  const int epoll_;
  bool stopped_ = false;
  std::priority_queue<Appointment, std::vector<Appointment>, std::greater<>> due_;
};

}  // namespace mediasim
