// How many may be at something at a time; the others wait in their order.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "base/task.h"

namespace penstock::server {

// One executor's thread only. Outlives its seats.
class Gate {
 public:
  // A place inside; whoever waits the longest has it next.
  class Seat {
   public:
    Seat() = default;
    explicit Seat(Gate& gate) : gate_(&gate) {}
    Seat(Seat&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Seat& operator=(Seat&& other) noexcept {
      if (this != &other) {
        Leave();
        gate_ = std::exchange(other.gate_, nullptr);
      }
      return *this;
    }
    ~Seat() { Leave(); }

   private:
    void Leave() {
      if (gate_ != nullptr) std::exchange(gate_, nullptr)->Leave();
    }
    Gate* gate_ = nullptr;
  };

  explicit Gate(size_t seats) : free_(seats) {}

  Task<Seat> Enter() {
    if (free_ > 0) {
      --free_;
    } else {
      Oneshot<Unit> turn;
      waiting_.push_back(turn);
      co_await turn;
    }
    co_return Seat(*this);
  }
  // Nothing if others are waiting, or would have to.
  std::optional<Seat> TryEnter() {
    if (free_ == 0) return std::nullopt;
    --free_;
    return Seat(*this);
  }
  size_t waiting() const { return waiting_.size(); }

 private:
  void Leave() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    const Oneshot<Unit> next = waiting_.front();
    waiting_.pop_front();
    next.Set(Unit());
  }

  size_t free_;
  std::deque<Oneshot<Unit>> waiting_;
};

}  // namespace penstock::server
