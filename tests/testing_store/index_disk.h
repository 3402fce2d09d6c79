// The index engine's disk, as far as tests fill it up.
#pragma once

#include <cstdint>
#include <memory>

namespace rocksdb {
class Env;
}

namespace penstock::testing {

// The operating system's files, of which one write finds no room, and all after it, until there is
// room again. Thread-safe. Outlives whoever uses environment().
class IndexDisk {
 public:
  IndexDisk();
  ~IndexDisk();

  // There is no room from the nth write on (1: the next one). A write is what may need room: making
  // a file, appending to it, of which a part may be written, or a new name.
  void FillAt(uint64_t nth);
  void MakeRoom();
  // Writes that found no room, since the beginning.
  uint64_t refused() const;

  rocksdb::Env* environment();

 private:
  class Files;
  std::shared_ptr<Files> files_;
  std::unique_ptr<rocksdb::Env> environment_;
};

}  // namespace penstock::testing
