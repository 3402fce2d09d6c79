// A slow disk under a process that knows nothing of it: LD_PRELOAD=slow_disk.so lets what goes to
// files take as long as a disk of so many bytes a second would. One device for the whole process:
// whoever writes waits until all that was written before has gone, and his own. Reads are free.
//
// SLOW_DISK_RATE names a file with the bytes a second as text; it is read anew at each write, so
// that a test changes the disk under way. Without it, and with 0, nothing is slow.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

template <class F>
F* Next(F*, const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
#define NEXT(function) static auto* const next = Next(&function, #function)

long BytesPerSecond() {
  const char* const path = getenv("SLOW_DISK_RATE");
  if (path == nullptr) return 0;
  FILE* const file = fopen(path, "re");
  if (file == nullptr) return 0;
  long rate = 0;
  if (fscanf(file, "%ld", &rate) != 1) rate = 0;
  fclose(file);
  return rate;
}

bool IsFile(int fd) {
  struct stat status;
  return fd > STDERR_FILENO && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// When the device has done all that it was given.
Clock::time_point Queue(double seconds) {
  static std::mutex mutex;
  static Clock::time_point done;
  const std::lock_guard lock(mutex);
  done = std::max(done, Clock::now()) +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  return done;
}

// Returns what the write returned.
ssize_t Take(int fd, ssize_t written) {
  const int error = errno;
  if (written > 0 && IsFile(fd)) {
    const long rate = BytesPerSecond();
    if (rate > 0) {
      std::this_thread::sleep_until(
          Queue(static_cast<double>(written) / static_cast<double>(rate)));
    }
  }
  errno = error;
  return written;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  NEXT(write);
  return Take(fd, next(fd, data, size));
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  NEXT(pwrite);
  return Take(fd, next(fd, data, size, offset));
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  NEXT(pwrite64);
  return Take(fd, next(fd, data, size, offset));
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  NEXT(pwritev);
  return Take(fd, next(fd, parts, count, offset));
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  NEXT(pwritev64);
  return Take(fd, next(fd, parts, count, offset));
}

}  // extern "C"
