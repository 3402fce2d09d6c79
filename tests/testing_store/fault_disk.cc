#include "tests/testing_store/fault_disk.h"

#include <fmt/format.h>

#include "tests/testing_store/fault_disk_state.h"

namespace penstock::testing {
namespace {

constexpr uint64_t kBlockBytes = 4096;

bool Changes(DiskCall call) { return call != DiskCall::kOpen && call != DiskCall::kRead; }

uint64_t Blocks(uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

}  // namespace

Status FaultDisk::State::Verdict::ToStatus() const {
  switch (fate) {
    case Fate::kDone:
      return {};
    case Fate::kFailed:
      return Error(code, "refused by the test");
    case Fate::kPowerCut:
    case Fate::kDead:
      return Error(ErrorCode::kIo, "the power is off");
  }
  return {};
}

FaultDisk::State::Verdict FaultDisk::State::Judge(DiskCall call) {
  if (power_lost) return {.fate = Fate::kDead};
  if (Changes(call)) {
    ++calls;
    if (calls_until_cut > 0 && --calls_until_cut == 0) {
      CutPower();
      return {.fate = Fate::kPowerCut};
    }
  }
  const auto planned = failures.find(call);
  if (planned != failures.end() && --planned->second.first == 0) {
    const ErrorCode code = planned->second.second;
    failures.erase(planned);
    return {.fate = Fate::kFailed, .code = code};
  }
  return {};
}

uint64_t FaultDisk::State::UsedBytes() {
  std::set<std::shared_ptr<FaultInode>> used;
  for (const auto& path : names.Files()) used.insert(names.Find(path));
  for (const auto& file : files) {
    const auto inode = file.lock();
    if (inode != nullptr && inode->open_count > 0) used.insert(inode);
  }
  uint64_t bytes = 0;
  for (const auto& inode : used) bytes += Blocks(inode->size());
  return bytes;
}

Status FaultDisk::State::Reserve(const FaultInode& file, uint64_t new_size) {
  if (Blocks(new_size) <= Blocks(file.size())) return {};
  const uint64_t more = Blocks(new_size) - Blocks(file.size());
  if (UsedBytes() + more <= options.capacity_bytes) return {};
  return Error(ErrorCode::kFull, "no space left on device");
}

void FaultDisk::State::CutPower() {
  power_lost = true;
  syncs_held = false;
  changed.notify_all();
}

FaultDisk::FaultDisk() : FaultDisk(Options()) {}

FaultDisk::FaultDisk(Options options) : state_(std::make_shared<State>()) {
  state_->options = options;
}

FaultDisk::FaultDisk(std::shared_ptr<State> state) : state_(std::move(state)) {}

FaultDisk::~FaultDisk() = default;

Result<std::unique_ptr<store::DiskFile>> FaultDisk::Open(const std::filesystem::path& path,
                                                         Mode mode, bool direct) {
  const std::lock_guard lock(state_->mutex);
  const State::Verdict verdict =
      state_->Judge(mode == Mode::kCreate ? DiskCall::kCreate : DiskCall::kOpen);
  if (!verdict.works()) return verdict.ToStatus().error();
  std::shared_ptr<FaultInode> inode;
  if (mode == Mode::kCreate) {
    PS_TRY(inode, state_->names.Create(path));
    state_->files.push_back(inode);
  } else {
    inode = state_->names.Find(path);
    if (inode == nullptr)
      return Error(ErrorCode::kNotFound, fmt::format("{}: no such file", path.string()));
  }
  PS_TRY_VOID(verdict.ToStatus());
  std::unique_ptr<store::DiskFile> file = std::make_unique<File>(
      state_, std::move(inode), mode != Mode::kRead, direct && state_->options.direct);
  return file;
}

Status FaultDisk::CreateDirectories(const std::filesystem::path& path) {
  const std::lock_guard lock(state_->mutex);
  if (state_->names.IsDirectory(path) && !state_->power_lost) return {};
  const State::Verdict verdict = state_->Judge(DiskCall::kCreate);
  if (verdict.works()) PS_TRY_VOID(state_->names.CreateDirectories(path));
  return verdict.ToStatus();
}

Result<std::vector<std::string>> FaultDisk::List(const std::filesystem::path& directory) {
  const std::lock_guard lock(state_->mutex);
  PS_TRY_VOID(state_->Judge(DiskCall::kRead).ToStatus());
  if (!state_->names.IsDirectory(directory)) {
    return Error(ErrorCode::kNotFound, fmt::format("{}: no such directory", directory.string()));
  }
  return state_->names.List(directory);
}

Status FaultDisk::Rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::lock_guard lock(state_->mutex);
  const State::Verdict verdict = state_->Judge(DiskCall::kRename);
  if (verdict.works()) PS_TRY_VOID(state_->names.Rename(from, to));
  return verdict.ToStatus();
}

Status FaultDisk::Unlink(const std::filesystem::path& path) {
  const std::lock_guard lock(state_->mutex);
  const State::Verdict verdict = state_->Judge(DiskCall::kUnlink);
  if (verdict.works()) PS_TRY_VOID(state_->names.Unlink(path));
  return verdict.ToStatus();
}

Status FaultDisk::SyncDirectory(const std::filesystem::path& directory) {
  const std::lock_guard lock(state_->mutex);
  PS_TRY_VOID(state_->Judge(DiskCall::kSyncDirectory)
                  .ToStatus());  // a sync that the power cut hits saves nothing
  return state_->names.SyncDirectory(directory);
}

Result<store::Disk::Space> FaultDisk::GetSpace(const std::filesystem::path&) {
  const std::lock_guard lock(state_->mutex);
  if (state_->power_lost) return Error(ErrorCode::kIo, "the power is off");
  const uint64_t used = state_->UsedBytes();
  const uint64_t total = state_->options.capacity_bytes;
  return Space{.total_bytes = total, .free_bytes = used < total ? total - used : 0};
}

Result<std::shared_ptr<void>> FaultDisk::Lock(const std::filesystem::path& path) {
  const std::lock_guard lock(state_->mutex);
  PS_TRY_VOID(state_->Judge(DiskCall::kOpen).ToStatus());
  if (!state_->locked.insert(path).second)
    return Error(ErrorCode::kConflict, fmt::format("{}: locked", path.string()));
  std::shared_ptr<void> handle(nullptr, [state = state_, path](void*) {
    const std::lock_guard unlock(state->mutex);
    state->locked.erase(path);
  });
  return handle;
}

Result<std::filesystem::path> FaultDisk::IndexDirectory(const std::filesystem::path&) {
  const std::lock_guard lock(state_->mutex);
  return state_->index.live();
}

rocksdb::Env* FaultDisk::IndexEnvironment() {
  const std::lock_guard lock(state_->mutex);
  return state_->index_disk == nullptr ? nullptr : state_->index_disk->environment();
}

IndexDisk& FaultDisk::LimitIndex() {
  const std::lock_guard lock(state_->mutex);
  if (state_->index_disk == nullptr) state_->index_disk = std::make_unique<IndexDisk>();
  return *state_->index_disk;
}

void FaultDisk::CutPowerAfter(uint64_t calls) {
  const std::lock_guard lock(state_->mutex);
  state_->calls_until_cut = calls;
}

void FaultDisk::CutPower() {
  const std::lock_guard lock(state_->mutex);
  state_->CutPower();
}

bool FaultDisk::power_lost() const {
  const std::lock_guard lock(state_->mutex);
  return state_->power_lost;
}

uint64_t FaultDisk::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}

std::unique_ptr<FaultDisk> FaultDisk::Crash(uint64_t seed, IndexAge index) {
  const std::lock_guard lock(state_->mutex);
  state_->CutPower();
  Prng prng(seed);
  FaultNames names = state_->names.AfterPowerCut(prng);
  return After(std::move(names), prng.Next(), index);
}

std::unique_ptr<FaultDisk> FaultDisk::Kill(uint64_t seed, IndexAge index) {
  const std::lock_guard lock(state_->mutex);
  state_->CutPower();
  return After(state_->names.Copy(), Prng(seed).Next(), index);
}

std::unique_ptr<FaultDisk> FaultDisk::After(FaultNames names, uint64_t draw, IndexAge index) {
  auto left = std::make_shared<State>();
  left->options = state_->options;
  left->names = std::move(names);
  for (const auto& path : left->names.Files()) left->files.push_back(left->names.Find(path));
  left->index = state_->index.After(index, draw);
  return std::unique_ptr<FaultDisk>(new FaultDisk(std::move(left)));
}

void FaultDisk::SnapshotIndex() {
  const std::lock_guard lock(state_->mutex);
  state_->index.Snapshot();
}

size_t FaultDisk::index_snapshots() const {
  const std::lock_guard lock(state_->mutex);
  return state_->index.snapshots();
}

void FaultDisk::FailNth(DiskCall call, uint64_t nth, ErrorCode code) {
  CHECK(nth > 0);
  const std::lock_guard lock(state_->mutex);
  state_->failures[call] = {nth, code};
}

void FaultDisk::FailNone() {
  const std::lock_guard lock(state_->mutex);
  state_->failures.clear();
}

void FaultDisk::SetCapacity(uint64_t bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->options.capacity_bytes = bytes;
}

void FaultDisk::HoldSyncs() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->power_lost) state_->syncs_held = true;
}

void FaultDisk::ReleaseSyncs() {
  const std::lock_guard lock(state_->mutex);
  state_->syncs_held = false;
  state_->changed.notify_all();
}

void FaultDisk::AwaitHeldSyncs(size_t count) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->syncs_waiting >= count; });
}

std::vector<std::filesystem::path> FaultDisk::Files() const {
  const std::lock_guard lock(state_->mutex);
  return state_->names.Files();
}

Bytes FaultDisk::Contents(const std::filesystem::path& path) const {
  const std::lock_guard lock(state_->mutex);
  const auto inode = state_->names.Find(path);
  CHECK(inode != nullptr);
  return Bytes::Copy(inode->live());
}

void FaultDisk::Flip(const std::filesystem::path& path, uint64_t offset, uint8_t mask) {
  const std::lock_guard lock(state_->mutex);
  const auto inode = state_->names.Find(path);
  CHECK(inode != nullptr);
  inode->Flip(offset, mask);
}

}  // namespace penstock::testing
