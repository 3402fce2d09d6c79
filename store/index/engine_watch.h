// What the index engine does behind our back, and what its answers mean.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace rocksdb {
class Env;
class EventListener;
class Status;
}  // namespace rocksdb

namespace penstock::store {

// kFull when there is no room; then everything is as before.
Status ToStatus(const rocksdb::Status& status, std::string_view what);

// One database's flushes, errors, and waits for room. Thread-safe.
//
// A flush that fails stops RocksDB, and 7.8 does not come out of that whole: after a Resume it
// takes itself for stopped, does not wait for flushes and may wait for one that nobody does. So it
// never hears of a full disk: its writes wait for room until somebody says that it may be there. A
// sync that fails is an error all the same; what it was about may be lost.
class EngineWatch {
 public:
  EngineWatch();
  ~EngineWatch();

  // For the options of the database.
  std::shared_ptr<rocksdb::EventListener> listener() const;
  // `environment` (nullptr: the operating system's) with writes that wait. Lives as long as this.
  rocksdb::Env* MakePatient(rocksdb::Env* environment);

  // From now on writes wait. Before, while the database is being opened, they fail.
  void StartWaiting();
  // Writes fail again, those that wait at once. For the closing.
  void StopWaiting();
  // Whether a write waits for room.
  bool waits() const;
  // Writes that wait are tried again; returns when each has had its try.
  void TryAgain();

  // Returns when `flushed` says so; kFull when a write waits for room; or with what stops it.
  Status Await(const std::function<bool()>& flushed);
  // Returns when a flush or a compaction has ended or a write begins to wait, or after this time.
  void AwaitProgress(std::chrono::milliseconds at_most);

 private:
  class State;
  class Listener;
  class Files;
  class File;
  std::shared_ptr<State> state_;
  std::unique_ptr<rocksdb::Env> environment_;
};

}  // namespace penstock::store
