#pragma once

#include <condition_variable>
#include <mutex>

namespace penstock::store {

// Who reads the index or a segment on a thread of the pool is inside. Closing waits for them and
// lets nobody else in, so that what they read may go afterwards.
class ReadGate {
 public:
  class Pass {
   public:
    explicit Pass(ReadGate& gate) : gate_(gate.Enter() ? &gate : nullptr) {}
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave();
    }
    Pass(const Pass&) = delete;
    bool inside() const { return gate_ != nullptr; }

   private:
    ReadGate* const gate_;
  };

  void Close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    empty_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  bool Enter() {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void Leave() {
    const std::lock_guard lock(mutex_);
    if (--inside_ == 0) empty_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable empty_;
  bool closed_ = false;
  int inside_ = 0;
};

}  // namespace penstock::store
