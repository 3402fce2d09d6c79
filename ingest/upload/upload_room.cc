#include "ingest/upload/upload_room.h"

#include <algorithm>

namespace penstock::ingest {

bool UploadRoom::TryTake(size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (used_ + bytes > bytes_max_) return false;
  used_ += bytes;
  return true;
}

void UploadRoom::Take(size_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ += bytes;
}

void UploadRoom::Give(size_t bytes) {
  std::vector<std::shared_ptr<Oneshot<Unit>>> due;
  {
    const std::lock_guard lock(mutex_);
    used_ -= bytes;
    if (bytes > 0) due.swap(waiting_);
  }
  for (const auto& waiter : due) waiter->Set(Unit());
}

Task<void> UploadRoom::Wait(std::chrono::milliseconds most) {
  auto waiter = std::make_shared<Oneshot<Unit>>();
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(waiter);
  }
  Executor& executor = *Executor::Current();
  const Executor::TimerId timer = executor.StartTimer(executor.SteadyNow() + most, [this, waiter] {
    const std::lock_guard lock(mutex_);
    // Whoever takes it out of the list sets it.
    const auto found = std::ranges::find(waiting_, waiter);
    if (found == waiting_.end()) return;
    waiting_.erase(found);
    waiter->Set(Unit());
  });
  co_await *waiter;
  executor.StopTimer(timer);
}

size_t UploadRoom::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

}  // namespace penstock::ingest
