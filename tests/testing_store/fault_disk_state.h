// What a FaultDisk and its open files share.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "tests/testing_store/fault_disk.h"
#include "tests/testing_store/fault_names.h"
#include "tests/testing_store/index_disk.h"

namespace penstock::testing {

struct FaultDisk::State {
  // What happens to a call.
  enum class Fate {
    kDone,      // it does its work
    kPowerCut,  // it does its work on a disk that is losing power: nothing of it is durable, and it
                // fails
    kFailed,    // it fails by order of the test
    kDead,      // the power was off before
  };
  struct Verdict {
    Fate fate = Fate::kDone;
    ErrorCode code = ErrorCode::kIo;
    bool works() const { return fate == Fate::kDone || fate == Fate::kPowerCut; }
    // The call's result, once it has done what it does.
    Status ToStatus() const;
  };

  // Decides about a call and counts it. Under the mutex.
  Verdict Judge(DiskCall call);
  // kFull if the file may not become so large. Under the mutex.
  Status Reserve(const FaultInode& file, uint64_t new_size);
  uint64_t UsedBytes();
  void CutPower();

  mutable std::mutex mutex;
  std::condition_variable changed;
  // Under the mutex.
  Options options;
  FaultNames names;
  std::vector<std::weak_ptr<FaultInode>> files;  // every one made
  IndexFolders index;
  std::unique_ptr<IndexDisk> index_disk;
  std::set<std::filesystem::path> locked;
  Prng prng{1};
  uint64_t calls = 0;
  uint64_t calls_until_cut = 0;  // 0: none planned
  bool power_lost = false;
  std::map<DiskCall, std::pair<uint64_t, ErrorCode>> failures;  // calls until it, and how
  bool syncs_held = false;
  size_t syncs_waiting = 0;
};

// An open file.
class FaultDisk::File final : public store::DiskFile {
 public:
  // Under the mutex.
  File(std::shared_ptr<State> state, std::shared_ptr<FaultInode> inode, bool writable, bool direct)
      : state_(std::move(state)), inode_(std::move(inode)), writable_(writable), direct_(direct) {
    ++inode_->open_count;
  }
  ~File() override {
    const std::lock_guard lock(state_->mutex);
    --inode_->open_count;
  }

  Status Write(uint64_t offset, std::span<const iovec> pieces) override;
  Result<size_t> Read(uint64_t offset, std::span<uint8_t> out) override;
  Status Sync() override;
  Status Allocate(uint64_t bytes) override;
  Status Truncate(uint64_t bytes) override;
  Result<uint64_t> Size() override;
  bool direct() const override { return direct_; }
  std::shared_ptr<const FileHandle> OpenForSend() override;

 private:
  const std::shared_ptr<State> state_;
  const std::shared_ptr<FaultInode> inode_;
  const bool writable_;
  const bool direct_;
};

}  // namespace penstock::testing
