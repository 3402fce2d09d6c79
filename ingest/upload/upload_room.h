// The memory that all uploads share.
#pragma once

#include <mutex>
#include <vector>

#include "base/task.h"

namespace penstock::ingest {

// Bytes of fragments under way and of those that wait for the log. Thread-safe.
class UploadRoom {
 public:
  explicit UploadRoom(size_t bytes_max) : bytes_max_(bytes_max) {}

  bool TryTake(size_t bytes);
  // What is in memory already counts, whatever there is.
  void Take(size_t bytes);
  void Give(size_t bytes);
  // Waits until some is given back, or for as long as `most`. On an executor.
  Task<void> Wait(std::chrono::milliseconds most);
  size_t used() const;

 private:
  const size_t bytes_max_;
  mutable std::mutex mutex_;
  size_t used_ = 0;
  std::vector<std::shared_ptr<Oneshot<Unit>>> waiting_;
};

}  // namespace penstock::ingest
