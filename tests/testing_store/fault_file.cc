#include <algorithm>

#include <sys/mman.h>
#include <unistd.h>

#include "base/chunk_pool.h"
#include "tests/testing_store/fault_disk_state.h"

namespace penstock::testing {
namespace {

bool Aligned(uint64_t value) { return value % kDirectIoAlignment == 0; }
bool Aligned(const void* address) { return Aligned(reinterpret_cast<uintptr_t>(address)); }

Error Misaligned() { return Error(ErrorCode::kInvalidArgument, "not aligned for direct I/O"); }

}  // namespace

Status FaultDisk::File::Write(uint64_t offset, std::span<const iovec> pieces) {
  if (!writable_) return Error(ErrorCode::kInvalidArgument, "not open for writing");
  uint64_t bytes = 0;
  for (const iovec& piece : pieces) {
    if (direct_ && (!Aligned(piece.iov_base) || !Aligned(piece.iov_len))) return Misaligned();
    bytes += piece.iov_len;
  }
  if (direct_ && !Aligned(offset)) return Misaligned();

  const std::lock_guard lock(state_->mutex);
  const State::Verdict verdict = state_->Judge(DiskCall::kWrite);
  if (verdict.fate == State::Fate::kDead) return verdict.ToStatus();
  uint64_t written_max = bytes;
  Status space;
  if (verdict.fate == State::Fate::kFailed) {
    written_max = state_->prng.Below(bytes + 1) / kSectorBytes * kSectorBytes;
  } else {
    space = state_->Reserve(*inode_, std::max(inode_->size(), offset + bytes));
    // A full disk takes what still goes into the blocks the file has.
    if (!space.ok())
      written_max = std::min(bytes, inode_->size() > offset ? inode_->size() - offset : 0);
  }
  for (const iovec& piece : pieces) {
    const uint64_t part = std::min<uint64_t>(piece.iov_len, written_max);
    inode_->Write(offset, ByteSpan(static_cast<const uint8_t*>(piece.iov_base), part));
    offset += part;
    written_max -= part;
  }
  PS_TRY_VOID(std::move(space));
  return verdict.ToStatus();
}

Result<size_t> FaultDisk::File::Read(uint64_t offset, std::span<uint8_t> out) {
  if (direct_ && (!Aligned(offset) || !Aligned(out.data()) || !Aligned(out.size())))
    return Misaligned();
  const std::lock_guard lock(state_->mutex);
  PS_TRY_VOID(state_->Judge(DiskCall::kRead).ToStatus());
  return inode_->Read(offset, out);
}

Status FaultDisk::File::Sync() {
  std::unique_lock lock(state_->mutex);
  const size_t mark = inode_->mark();
  // Also without a hold, so that other threads' writes come between as they do on a real disk.
  ++state_->syncs_waiting;
  state_->changed.notify_all();
  state_->changed.wait(lock, [&] { return !state_->syncs_held; });
  --state_->syncs_waiting;
  const State::Verdict verdict = state_->Judge(DiskCall::kSync);
  if (verdict.fate == State::Fate::kDone) inode_->SyncTo(mark);
  if (verdict.fate == State::Fate::kFailed) inode_->DropUnsynced();
  return verdict.ToStatus();
}

Status FaultDisk::File::Allocate(uint64_t bytes) {
  if (!writable_) return Error(ErrorCode::kInvalidArgument, "not open for writing");
  const std::lock_guard lock(state_->mutex);
  const State::Verdict verdict = state_->Judge(DiskCall::kAllocate);
  if (verdict.works() && bytes > inode_->size()) {
    PS_TRY_VOID(state_->Reserve(*inode_, bytes));
    inode_->SetSize(bytes);
  }
  return verdict.ToStatus();
}

Status FaultDisk::File::Truncate(uint64_t bytes) {
  if (!writable_) return Error(ErrorCode::kInvalidArgument, "not open for writing");
  const std::lock_guard lock(state_->mutex);
  const State::Verdict verdict = state_->Judge(DiskCall::kTruncate);
  if (verdict.works()) inode_->SetSize(bytes);
  return verdict.ToStatus();
}

Result<uint64_t> FaultDisk::File::Size() {
  const std::lock_guard lock(state_->mutex);
  if (state_->power_lost) return Error(ErrorCode::kIo, "the power is off");
  return inode_->size();
}

std::shared_ptr<const FileHandle> FaultDisk::File::OpenForSend() {
  const std::lock_guard lock(state_->mutex);
  const int fd = memfd_create("penstock-test", MFD_CLOEXEC);
  CHECK(fd >= 0);
  auto handle = std::make_shared<const FileHandle>(fd);
  const std::vector<uint8_t>& bytes = inode_->live();
  CHECK(pwrite(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return handle;
}

}  // namespace penstock::testing
