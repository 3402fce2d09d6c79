#include "base/page_cache.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace penstock {
namespace {

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

// libc of Debian 12 does not know cachestat(2).
constexpr long kCachestatNumber = 451;
struct CachestatRange {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
struct Cachestat {
  uint64_t cached = 0;  // pages
  uint64_t dirty = 0;
  uint64_t writeback = 0;
  uint64_t evicted = 0;
  uint64_t recently_evicted = 0;
};

// nullopt if the kernel, or a container's filter, has no such call.
std::optional<bool> IsCached(const FileSlice& range) {
  static std::atomic<bool> there{true};
  if (!there.load(std::memory_order_relaxed)) return std::nullopt;
  const CachestatRange asked{range.offset, range.size};
  Cachestat found;
  if (syscall(kCachestatNumber, range.file->fd(), &asked, &found, 0) != 0) {
    // Others (EOPNOTSUPP of hugetlbfs, EBADF) are the file's own.
    if (errno == ENOSYS || errno == EPERM) there.store(false, std::memory_order_relaxed);
    return std::nullopt;
  }
  const uint64_t last = range.offset + range.size - 1;
  const uint64_t pages = last / PageBytes() - range.offset / PageBytes() + 1;
  return found.cached >= pages;
}

// Asks once per 64 KiB, since files are read ahead in larger pieces than that.
bool SeemsCached(const FileSlice& range) {
  constexpr uint64_t kStep = 64 * 1024;
  for (uint64_t offset = 0;; offset += kStep) {
    offset = std::min(offset, range.size - 1);
    uint8_t byte = 0;
    const iovec one{&byte, 1};
    const ssize_t got =
        preadv2(range.file->fd(), &one, 1, static_cast<off_t>(range.offset + offset), RWF_NOWAIT);
    // A file system that cannot say is taken as cold: then the answer is slow, not wrong. At the
    // end of the file there is nothing to wait for.
    if (got < 0) return false;
    if (got == 0 || offset == range.size - 1) return true;
  }
}

// The kernel reads ahead per open file, in the larger folios the longer it sees one sequence: with
// a description of its own a reader is one sequence, however many others read beside it.
class OwnReadAhead {
 public:
  explicit OwnReadAhead(const FileHandle& file)
      : shared_(file.fd()),
        own_(open(fmt::format("/proc/self/fd/{}", shared_).c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OwnReadAhead() {
    if (own_ >= 0) close(own_);
  }
  OwnReadAhead(const OwnReadAhead&) = delete;
  int fd() const { return own_ >= 0 ? own_ : shared_; }

 private:
  const int shared_;
  const int own_;  // -1: no /proc, or no descriptor left
};

}  // namespace

bool IsResident(const FileSlice& range) {
  if (range.size == 0) return true;
  const std::optional<bool> known = IsCached(range);
  return known ? *known : SeemsCached(range);
}

// Touches one byte of each page. What one read asks for beyond what was read ahead comes in folios
// of one page each: 540 KB take 17 folios this way, and 48 to 73 with reads of 64 KiB.
void BringIn(const FileSlice& range) {
  if (IsResident(range)) return;
  const OwnReadAhead file(*range.file);
  const uint64_t end = range.offset + range.size;
  for (uint64_t at = range.offset; at < end; at = (at / PageBytes() + 1) * PageBytes()) {
    uint8_t byte = 0;
    if (pread(file.fd(), &byte, 1, static_cast<off_t>(at)) != 1) return;
  }
}

}  // namespace penstock
