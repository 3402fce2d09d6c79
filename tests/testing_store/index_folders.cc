#include "tests/testing_store/index_folders.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "base/check.h"

namespace penstock::testing {
namespace fs = std::filesystem;
namespace {

constexpr size_t kSnapshotsMax = 6;

using Listing = std::map<std::string, uint64_t>;

// The engine's own log is of no use to recovery and grows all the time.
bool Matters(const fs::path& file) { return !file.filename().string().starts_with("LOG"); }

// Nothing here throws: the engine may delete a file at any moment, and the next listing shows it.
Listing ListFolder(const fs::path& folder) {
  Listing listing;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    if (!at->is_regular_file(gone) || !Matters(at->path())) continue;
    const uint64_t size = at->file_size(gone);
    if (!gone) listing[at->path().lexically_relative(folder).string()] = size;
  }
  return listing;
}

bool CopyOnce(const fs::path& from, const fs::path& to) {
  const Listing before = ListFolder(from);
  for (const auto& [name, size] : before) {
    std::error_code error;
    fs::create_directories((to / name).parent_path(), error);
    fs::copy_file(from / name, to / name, fs::copy_options::overwrite_existing, error);
    if (error) return false;
  }
  return ListFolder(from) == before;
}

// A copy as of one moment, though the engine writes meanwhile: again until nothing changed while it
// was taken.
std::shared_ptr<RamFolder> CopyOf(const fs::path& from) {
  while (true) {
    auto copy = std::make_shared<RamFolder>();
    if (CopyOnce(from, copy->path())) return copy;
  }
}

void CutOneFile(const fs::path& folder, uint64_t draw) {
  const Listing listing = ListFolder(folder);
  if (listing.empty()) return;
  const auto chosen = std::next(listing.begin(), static_cast<ptrdiff_t>(draw % listing.size()));
  fs::resize_file(folder / chosen->first, chosen->second / 2);
}

}  // namespace

RamFolder::RamFolder() {
  for (std::string pattern : {"/dev/shm/penstock-test-XXXXXX", "/var/tmp/penstock-test-XXXXXX"}) {
    if (mkdtemp(pattern.data()) == nullptr) continue;
    path_ = pattern;
    return;
  }
  CHECK(!path_.empty());
}

RamFolder::~RamFolder() {
  std::error_code ignored;  // Best effort: a left-over folder in /dev/shm harms nothing.
  fs::remove_all(path_, ignored);
}

void IndexFolders::Snapshot() {
  if (snapshots_.size() == kSnapshotsMax)
    snapshots_.erase(snapshots_.begin() + 1);  // keep the oldest: it is the hardest
  snapshots_.push_back(CopyOf(live()));
}

IndexFolders IndexFolders::After(IndexAge age, uint64_t draw) const {
  IndexFolders after;
  after.snapshots_ = snapshots_;
  switch (age) {
    case IndexAge::kNewest:
      after.live_ = CopyOf(live());
      break;
    case IndexAge::kOlder:
      if (!snapshots_.empty()) after.live_ = CopyOf(snapshots_[draw % snapshots_.size()]->path());
      break;
    case IndexAge::kNone:
      break;
    case IndexAge::kDamaged:
      after.live_ = CopyOf(live());
      CutOneFile(after.live(), draw);
      break;
  }
  return after;
}

}  // namespace penstock::testing
