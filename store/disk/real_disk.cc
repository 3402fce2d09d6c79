// The operating system's files behind store/disk/disk.h.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <mutex>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/disk/disk.h"

namespace penstock::store {
namespace {

Error SystemError(std::string_view call, const std::filesystem::path& path, int error) {
  ErrorCode code = ErrorCode::kIo;
  if (error == ENOENT) code = ErrorCode::kNotFound;
  if (error == EEXIST) code = ErrorCode::kAlreadyExists;
  if (error == ENOSPC || error == EDQUOT) code = ErrorCode::kFull;
  return Error(code, fmt::format("{} {}: {}", call, path.string(), std::strerror(error)));
}

// Of a call that takes a descriptor or memory and has written nothing yet: short of them is a state
// that passes.
Error ResourceError(std::string_view call, const std::filesystem::path& path, int error) {
  Error told = SystemError(call, path, error);
  if (error != EMFILE && error != ENFILE && error != ENOMEM) return told;
  return Error(ErrorCode::kUnavailable, told.message());
}

template <class Call>
auto Retry(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class RealFile final : public DiskFile {
 public:
  RealFile(std::filesystem::path path, int fd, bool direct)
      : path_(std::move(path)), handle_(fd), direct_(direct) {}

  Status Write(uint64_t offset, std::span<const iovec> pieces) override {
    std::vector<iovec> left(pieces.begin(), pieces.end());
    size_t first = 0;
    while (first < left.size()) {
      const auto count = static_cast<int>(std::min<size_t>(left.size() - first, IOV_MAX));
      const ssize_t n = Retry(
          [&] { return ::pwritev(handle_.fd(), &left[first], count, static_cast<off_t>(offset)); });
      if (n < 0) return SystemError("pwritev", path_, errno);
      if (n == 0) return SystemError("pwritev", path_, ENOSPC);
      offset += static_cast<uint64_t>(n);
      auto written = static_cast<size_t>(n);
      while (first < left.size() && written >= left[first].iov_len)
        written -= left[first++].iov_len;
      if (written > 0) {
        left[first].iov_base = static_cast<uint8_t*>(left[first].iov_base) + written;
        left[first].iov_len -= written;
      }
    }
    return {};
  }

  Result<size_t> Read(uint64_t offset, std::span<uint8_t> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = Retry([&] {
        return ::pread(handle_.fd(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) return SystemError("pread", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
      // Under O_DIRECT a length that is not a multiple of the block means the end of the file; the
      // next offset would be invalid.
      if (direct_ && n % 512 != 0) break;
    }
    return done;
  }

  // The kernel tells an error of writing back to one caller of fdatasync only, whoever's bytes it
  // was about: through the page cache, syncs go one after another and the first failure is the
  // answer to all that come later. With O_DIRECT such errors come from pwrite itself, and syncs
  // may overlap.
  Status Sync() override {
    std::unique_lock lock(sync_mutex_, std::defer_lock);
    if (!direct_) lock.lock();
    if (sync_failed_.load()) return SystemError("fdatasync", path_, EIO);
    // Not repeated on EINTR either: fdatasync does not return it.
    if (::fdatasync(handle_.fd()) == 0) return {};
    sync_failed_.store(true);
    return SystemError("fdatasync", path_, errno);
  }

  Status Allocate(uint64_t bytes) override {
    if (Retry([&] { return ::fallocate(handle_.fd(), 0, 0, static_cast<off_t>(bytes)); }) == 0)
      return {};
    if (errno != EOPNOTSUPP) return ResourceError("fallocate", path_, errno);
    // A file system without preallocation: the file only gets its length.
    PS_TRY(const uint64_t now, Size());
    return now >= bytes ? Status() : Truncate(bytes);
  }

  Status Truncate(uint64_t bytes) override {
    if (Retry([&] { return ::ftruncate(handle_.fd(), static_cast<off_t>(bytes)); }) == 0) return {};
    return SystemError("ftruncate", path_, errno);
  }

  Result<uint64_t> Size() override {
    struct stat info {};
    if (::fstat(handle_.fd(), &info) != 0) return SystemError("fstat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  bool direct() const override { return direct_; }

  std::shared_ptr<const FileHandle> OpenForSend() override {
    const int fd = Retry([&] { return ::open(path_.c_str(), O_RDONLY | O_CLOEXEC); });
    return fd < 0 ? nullptr : std::make_shared<const FileHandle>(fd);
  }

 private:
  const std::filesystem::path path_;
  const FileHandle handle_;
  const bool direct_;
  std::mutex sync_mutex_;
  std::atomic<bool> sync_failed_{false};
};

// An flock'ed file; unlocked by closing it.
Result<std::shared_ptr<void>> LockFile(const std::filesystem::path& path) {
  const int fd = Retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); });
  if (fd < 0) return SystemError("open", path, errno);
  auto handle = std::make_shared<FileHandle>(fd);
  if (Retry([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error(ErrorCode::kConflict,
                   fmt::format("{} is locked: another process has this store open", path.string()));
    }
    return SystemError("flock", path, errno);
  }
  return std::shared_ptr<void>(std::move(handle));
}

class OsDisk final : public Disk {
 public:
  Result<std::unique_ptr<DiskFile>> Open(const std::filesystem::path& path, Mode mode,
                                         bool direct) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case Mode::kCreate:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
      case Mode::kReadWrite:
        flags |= O_RDWR;
        break;
      case Mode::kRead:
        flags |= O_RDONLY;
        break;
    }
    int fd = -1;
    if (direct) {
      fd = Retry([&] { return ::open(path.c_str(), flags | O_DIRECT, 0600); });
      if (fd >= 0) return std::unique_ptr<DiskFile>(new RealFile(path, fd, true));
      // EINVAL: the file system has no direct I/O (tmpfs, some overlays). It may have created the
      // file before saying so.
      if (errno != EINVAL) return ResourceError("open", path, errno);
      flags &= ~O_EXCL;
    }
    fd = Retry([&] { return ::open(path.c_str(), flags, 0600); });
    if (fd < 0) return ResourceError("open", path, errno);
    return std::unique_ptr<DiskFile>(new RealFile(path, fd, false));
  }

  Status CreateDirectories(const std::filesystem::path& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return SystemError("mkdir", path, error.value());
    return {};
  }

  Result<std::vector<std::string>> List(const std::filesystem::path& directory) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error) return SystemError("readdir", directory, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  Status Rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", from, errno);
    return {};
  }

  Status Unlink(const std::filesystem::path& path) override {
    if (::unlink(path.c_str()) != 0) return SystemError("unlink", path, errno);
    return {};
  }

  Status SyncDirectory(const std::filesystem::path& directory) override {
    const FileHandle handle(
        Retry([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (handle.fd() < 0) return ResourceError("open", directory, errno);
    if (::fsync(handle.fd()) != 0) return SystemError("fsync", directory, errno);
    return {};
  }

  Result<Space> GetSpace(const std::filesystem::path& directory) override {
    struct statvfs info {};
    if (::statvfs(directory.c_str(), &info) != 0) return SystemError("statvfs", directory, errno);
    // What root keeps for itself is not part of the volume as we see it, or "full" would come
    // before 100 %.
    const uint64_t ours = info.f_blocks - (info.f_bfree - info.f_bavail);
    return Space{.total_bytes = ours * info.f_frsize, .free_bytes = info.f_bavail * info.f_frsize};
  }

  Result<std::shared_ptr<void>> Lock(const std::filesystem::path& path) override {
    return LockFile(path);
  }

  Result<std::filesystem::path> IndexDirectory(const std::filesystem::path& directory) override {
    return directory / "index";
  }
};

}  // namespace

Disk& RealDisk() {
  static OsDisk disk;
  return disk;
}

}  // namespace penstock::store
