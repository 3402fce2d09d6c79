// Where the index engine keeps its files while the log lives in memory: real folders, and copies of
// them at older ages.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

namespace penstock::testing {

// A fresh folder in memory (/dev/shm, or /var/tmp where there is none), removed with its last user.
class RamFolder {
 public:
  RamFolder();
  ~RamFolder();
  RamFolder(const RamFolder&) = delete;
  RamFolder& operator=(const RamFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Which index a store finds after a power cut. It is a pure function of the log, so any of them
// must fold to the same answers.
enum class IndexAge {
  kNewest,   // the folder as it is
  kOlder,    // one of the snapshots taken before, any
  kNone,     // somebody deleted it
  kDamaged,  // the folder as it is, one of its files cut short
};

// Not thread-safe: FaultDisk holds its lock. One store per disk.
class IndexFolders {
 public:
  IndexFolders() : live_(std::make_shared<RamFolder>()) {}

  const std::filesystem::path& live() const { return live_->path(); }
  // Remembers the folder as it is. The engine may be writing to it.
  void Snapshot();
  size_t snapshots() const { return snapshots_.size(); }

  // Folders of their own for the disk after the power cut, snapshots included.
  IndexFolders After(IndexAge age, uint64_t draw) const;

 private:
  std::shared_ptr<RamFolder> live_;
  std::vector<std::shared_ptr<const RamFolder>> snapshots_;  // oldest first; never written to
};

}  // namespace penstock::testing
