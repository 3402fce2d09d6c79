#include "net/blocking.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include <netdb.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/limits.h"

namespace penstock::net {
namespace {

using Addresses = Result<std::vector<SocketAddress>>;

// Made when first needed, joined when the program ends.
ThreadPool& ResolverPool() {
  static ThreadPool pool(limits::kResolverThreads, "net-resolve");
  return pool;
}
ThreadPool& FileReadPool() {
  static ThreadPool pool(limits::kFileReadThreads, "net-file");
  return pool;
}

Addresses LookUp(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return Error(ErrorCode::kNotFound, host + ": " + gai_strerror(error));
  std::vector<SocketAddress> out;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    address.set_port(port);
    out.push_back(address);
  }
  freeaddrinfo(found);
  if (out.empty()) return Error(ErrorCode::kNotFound, host + ": has no address");
  return out;
}

// Three may end a lookup: its thread, the clock, the token. The first does. The others then touch
// neither the awaiter nor its loop, which may be gone.
class Race {
 public:
  // The winner's, once.
  void Finish(Addresses result) {
    if (!finished_.exchange(true)) result_.Set(std::move(result));
  }
  bool finished() const { return finished_; }
  const Oneshot<Addresses>& result() const { return result_; }

 private:
  std::atomic<bool> finished_{false};
  Oneshot<Addresses> result_;
};

// cachestat(2), Linux 6.5; libc of Debian 12 does not know it.
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
  static const auto kPage = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t pages = (range.offset + range.size - 1) / kPage - range.offset / kPage + 1;
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

bool IsResident(const FileSlice& range) {
  const std::optional<bool> known = IsCached(range);
  return known ? *known : SeemsCached(range);
}

void ReadThrough(const FileSlice& range) {
  std::array<uint8_t, 64 * 1024> scratch;
  for (uint64_t done = 0; done < range.size;) {
    const size_t step = static_cast<size_t>(std::min<uint64_t>(scratch.size(), range.size - done));
    const ssize_t got =
        pread(range.file->fd(), scratch.data(), step, static_cast<off_t>(range.offset + done));
    if (got <= 0) return;  // sendfile will meet the same error and report it
    done += static_cast<uint64_t>(got);
  }
}

}  // namespace

Task<Addresses> Resolve(std::string host, uint16_t port, SteadyTime deadline, CancelToken token) {
  if (const auto numeric = ParseAddress(host, port)) {
    std::vector<SocketAddress> out(1, *numeric);
    co_return out;
  }
  Executor* const loop = Executor::Current();
  CHECK(loop != nullptr);
  auto race = std::make_shared<Race>();
  const Executor::TimerId timer = loop->StartTimer(deadline, [race, host] {
    race->Finish(Error(ErrorCode::kTimeout, host + ": the name was not resolved in time"));
  });
  const auto registration =
      token.OnCancel([race] { race->Finish(Error(ErrorCode::kCancelled, "cancelled")); });
  ResolverPool().Post([race, host, port] {
    if (!race->finished()) race->Finish(LookUp(host, port));
  });
  Addresses result = co_await race->result();
  loop->StopTimer(timer);
  co_return result;
}

Task<void> FaultIn(FileSlice range) {
  if (range.size == 0 || IsResident(range)) co_return;
  auto read = [range] { ReadThrough(range); };
  co_await RunBlocking(FileReadPool(), std::move(read));
}

}  // namespace penstock::net
