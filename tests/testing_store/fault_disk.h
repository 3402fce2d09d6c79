// A disk in memory that loses power, fills up, fails and stalls when it is told to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "store/disk/disk.h"
#include "tests/testing_store/index_folders.h"

namespace penstock::testing {

class FaultNames;
class IndexDisk;

// What can be made to fail. kWrite..kSyncDirectory change the disk and are counted; see
// CutPowerAfter.
enum class DiskCall {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kCreate,
  kRename,
  kUnlink,
  kSyncDirectory
};

// Thread-safe. Files, locks and handles that outlive the disk stay usable, like those of a process
// that is slow to die.
//
// Power: what was not synced when the power went may be there or not, sector by sector and name by
// name (fault_inode.h, fault_names.h). After the cut every call fails; Crash gives the disk that
// the next process finds. Direct I/O is given where it is asked for, and its alignment rules are
// enforced.
class FaultDisk final : public store::Disk {
 public:
  struct Options {
    uint64_t capacity_bytes = 1u << 30;
    bool direct = true;
  };
  FaultDisk();
  explicit FaultDisk(Options options);
  ~FaultDisk() override;

  Result<std::unique_ptr<store::DiskFile>> Open(const std::filesystem::path& path, Mode mode,
                                                bool direct) override;
  Status CreateDirectories(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> List(const std::filesystem::path& directory) override;
  Status Rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Status Unlink(const std::filesystem::path& path) override;
  Status SyncDirectory(const std::filesystem::path& directory) override;
  Result<Space> GetSpace(const std::filesystem::path& directory) override;
  Result<std::shared_ptr<void>> Lock(const std::filesystem::path& path) override;
  Result<std::filesystem::path> IndexDirectory(const std::filesystem::path& directory) override;
  rocksdb::Env* IndexEnvironment() override;

  // The power goes during the nth changing call from now (1: the next one; 0: not), which fails;
  // what it changed may survive like the rest.
  void CutPowerAfter(uint64_t calls);
  void CutPower();
  bool power_lost() const;
  // Changing calls so far.
  uint64_t calls() const;
  // The disk as the next process finds it. Cuts the power if it is still on; may be called again
  // for another outcome. Give it after the store is gone, so that the copy of the index folder is
  // not of one in use.
  std::unique_ptr<FaultDisk> Crash(uint64_t seed, IndexAge index);
  // The same when only the process dies: the next one reads everything that was written, synced or
  // not, and a power cut may still take what was not.
  std::unique_ptr<FaultDisk> Kill(uint64_t seed, IndexAge index);

  // Where the index's files are written; without a call of this before the store opens, the
  // operating system. Lives as long as this disk.
  IndexDisk& LimitIndex();

  void SnapshotIndex();
  size_t index_snapshots() const;

  // The nth such call from now (1: the next one) fails once with this code. A failed write may
  // leave a part of it written; a failed sync drops what was not durable, and the sync after it
  // would say that all is well.
  void FailNth(DiskCall call, uint64_t nth, ErrorCode code);
  // Takes back what was ordered and has not happened yet.
  void FailNone();
  // How many bytes fit; files that are there stay even if they are more.
  void SetCapacity(uint64_t bytes);

  // Syncs wait until they are released. For tests of what must not happen before a sync is done.
  void HoldSyncs();
  void ReleaseSyncs();
  // Blocks until so many syncs are waiting.
  void AwaitHeldSyncs(size_t count);

  // For tests that look at the medium, or damage it. The file must exist.
  std::vector<std::filesystem::path> Files() const;
  Bytes Contents(const std::filesystem::path& path) const;
  void Flip(const std::filesystem::path& path, uint64_t offset, uint8_t mask);

 private:
  class File;
  struct State;
  explicit FaultDisk(std::shared_ptr<State> state);
  std::unique_ptr<FaultDisk> After(FaultNames names, uint64_t draw, IndexAge index);

  std::shared_ptr<State> state_;
};

}  // namespace penstock::testing
