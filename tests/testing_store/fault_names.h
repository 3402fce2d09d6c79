// The names on a disk without power: which file each path leads to, durably and now.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "tests/testing_store/fault_inode.h"

namespace penstock::testing {

// Not thread-safe: FaultDisk holds its lock. Paths are absolute; "/" always exists.
//
// Creations, renames and unlinks are durable when their directory has been synced, and each one's
// survival is its own until then: syncing a file does not save its name (POSIX promises no more,
// and some file systems give no more).
class FaultNames {
 public:
  using Path = std::filesystem::path;

  // nullptr if there is no such file.
  std::shared_ptr<FaultInode> Find(const Path& path) const;
  bool IsDirectory(const Path& path) const;
  std::vector<std::string> List(const Path& directory) const;
  std::vector<Path> Files() const;

  Result<std::shared_ptr<FaultInode>> Create(const Path& path);
  // With its parents. Each is an entry of its parent like any other, and is lost unless the parent
  // is synced.
  Status CreateDirectories(const Path& path);
  Status Rename(const Path& from, const Path& to);
  Status Unlink(const Path& path);
  Status SyncDirectory(const Path& directory);

  FaultNames AfterPowerCut(Prng& prng) const;
  // Names and files of their own, with everything that is not durable yet.
  FaultNames Copy() const;

 private:
  struct Entry {
    std::shared_ptr<FaultInode> file;  // nullptr: a directory
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  using Entries = std::map<Path, Entry>;
  // Adds `to`, removes `from`, or both at once.
  struct Change {
    Path from;
    Path to;
    Entry entry;
    bool In(const Path& directory) const;
  };
  // Does nothing if what it removes is not there: then an earlier change was forgotten.
  static void Apply(const Change& change, Entries& entries);
  void Do(Change change);

  Entries live_;
  Entries durable_;
  std::vector<Change> changes_;
};

}  // namespace penstock::testing
