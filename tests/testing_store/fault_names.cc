#include "tests/testing_store/fault_names.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::testing {
namespace {

Error Missing(const std::filesystem::path& path) {
  return Error(ErrorCode::kNotFound, fmt::format("{}: no such file or directory", path.string()));
}

}  // namespace

std::shared_ptr<FaultInode> FaultNames::Find(const Path& path) const {
  const auto found = live_.find(path);
  return found == live_.end() ? nullptr : found->second.file;
}

bool FaultNames::IsDirectory(const Path& path) const {
  if (path == path.root_path()) return true;
  const auto found = live_.find(path);
  return found != live_.end() && found->second.file == nullptr;
}

std::vector<std::string> FaultNames::List(const Path& directory) const {
  std::vector<std::string> names;
  for (const auto& [path, entry] : live_) {
    if (path.parent_path() == directory) names.push_back(path.filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<FaultNames::Path> FaultNames::Files() const {
  std::vector<Path> files;
  for (const auto& [path, entry] : live_) {
    if (entry.file != nullptr) files.push_back(path);
  }
  return files;
}

Result<std::shared_ptr<FaultInode>> FaultNames::Create(const Path& path) {
  if (!IsDirectory(path.parent_path())) return Missing(path.parent_path());
  if (live_.contains(path))
    return Error(ErrorCode::kAlreadyExists, fmt::format("{}: exists", path.string()));
  auto file = std::make_shared<FaultInode>();
  Do(Change{.from = {}, .to = path, .entry = Entry{file}});
  return file;
}

Status FaultNames::CreateDirectories(const Path& path) {
  if (path == path.root_path()) return {};
  PS_TRY_VOID(CreateDirectories(path.parent_path()));
  if (IsDirectory(path)) return {};
  if (live_.contains(path))
    return Error(ErrorCode::kAlreadyExists, fmt::format("{}: is a file", path.string()));
  Do(Change{.from = {}, .to = path, .entry = Entry{}});
  return {};
}

Status FaultNames::Rename(const Path& from, const Path& to) {
  const std::shared_ptr<FaultInode> file = Find(from);
  if (file == nullptr) return Missing(from);
  if (!IsDirectory(to.parent_path())) return Missing(to.parent_path());
  if (IsDirectory(to))
    return Error(ErrorCode::kAlreadyExists, fmt::format("{}: is a directory", to.string()));
  if (from != to) Do(Change{.from = from, .to = to, .entry = Entry{file}});
  return {};
}

Status FaultNames::Unlink(const Path& path) {
  const std::shared_ptr<FaultInode> file = Find(path);
  if (file == nullptr) return Missing(path);
  Do(Change{.from = path, .to = {}, .entry = Entry{file}});
  return {};
}

Status FaultNames::SyncDirectory(const Path& directory) {
  if (!IsDirectory(directory)) return Missing(directory);
  std::vector<Change> left;
  for (Change& change : changes_) {
    if (change.In(directory)) {
      Apply(change, durable_);
    } else {
      left.push_back(std::move(change));
    }
  }
  changes_ = std::move(left);
  return {};
}

FaultNames FaultNames::AfterPowerCut(Prng& prng) const {
  // Usually a journal keeps a prefix; sometimes every change fares for itself.
  const bool in_order = prng.OneIn(2);
  const size_t prefix = prng.Below(changes_.size() + 1);
  Entries kept = durable_;
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (in_order ? i < prefix : prng.OneIn(2)) Apply(changes_[i], kept);
  }
  FaultNames left;
  // Hard links do not exist here, but a forgotten change may leave a file with two names: they go
  // on sharing it.
  std::map<FaultInode*, std::shared_ptr<FaultInode>> inodes;
  for (const auto& [path, entry] : kept) {
    // Parents sort before their children, so a directory that was forgotten has taken its children
    // along.
    if (!left.IsDirectory(path.parent_path())) continue;
    Entry copy;
    if (entry.file != nullptr) {
      std::shared_ptr<FaultInode>& inode = inodes[entry.file.get()];
      if (inode == nullptr) inode = entry.file->AfterPowerCut(prng);
      copy.file = inode;
    }
    left.live_.emplace(path, copy);
  }
  left.durable_ = left.live_;
  return left;
}

FaultNames FaultNames::Copy() const {
  std::map<FaultInode*, std::shared_ptr<FaultInode>> inodes;
  auto copy = [&](const Entry& entry) {
    if (entry.file == nullptr) return entry;
    std::shared_ptr<FaultInode>& inode = inodes[entry.file.get()];
    if (inode == nullptr) {
      inode = std::make_shared<FaultInode>(*entry.file);
      inode->open_count = 0;
    }
    return Entry{inode};
  };
  FaultNames names;
  for (const auto& [path, entry] : live_) names.live_.emplace(path, copy(entry));
  for (const auto& [path, entry] : durable_) names.durable_.emplace(path, copy(entry));
  for (const Change& change : changes_) {
    names.changes_.push_back(
        Change{.from = change.from, .to = change.to, .entry = copy(change.entry)});
  }
  return names;
}

bool FaultNames::Change::In(const Path& directory) const {
  return (!from.empty() && from.parent_path() == directory) ||
         (!to.empty() && to.parent_path() == directory);
}

void FaultNames::Apply(const Change& change, Entries& entries) {
  if (!change.from.empty()) {
    const auto found = entries.find(change.from);
    if (found == entries.end() || found->second != change.entry) return;
    entries.erase(found);
  }
  if (!change.to.empty()) entries[change.to] = change.entry;
}

void FaultNames::Do(Change change) {
  Apply(change, live_);
  changes_.push_back(std::move(change));
}

}  // namespace penstock::testing
