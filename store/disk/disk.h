// The seam to the disk, below the segment code: everything durable passes here, so that tests can
// tear, reorder and forget. Calls block; they run on the store's own threads. Thread-safe for
// distinct files; one file's writes may be concurrent if disjoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>

#include "base/bytes.h"
#include "base/file_slice.h"
#include "base/result.h"

namespace rocksdb {
class Env;
}

namespace penstock::store {

class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // All of it, or an error (kIo, kFull); a failure may leave any part of it written. With direct(),
  // offset, lengths and addresses are multiples of kDirectIoAlignment.
  virtual Status Write(uint64_t offset, std::span<const iovec> pieces) = 0;
  // Reads up to out.size() bytes; fewer only at the end of the file. Same alignment rules.
  virtual Result<size_t> Read(uint64_t offset, std::span<uint8_t> out) = 0;
  // fdatasync. After an error nothing may be assumed of unsynced bytes, and it is not called again.
  virtual Status Sync() = 0;
  // Reserves blocks without changing what reads see, except that the file grows (zeros). kFull;
  // kUnavailable as Disk::Open.
  virtual Status Allocate(uint64_t bytes) = 0;
  virtual Status Truncate(uint64_t bytes) = 0;
  virtual Result<uint64_t> Size() = 0;
  virtual bool direct() const = 0;
  // For sendfile, through the page cache; nullptr if this driver has no descriptors. Only for files
  // that are no longer written.
  virtual std::shared_ptr<const FileHandle> OpenForSend() = 0;
};

class Disk {
 public:
  enum class Mode {
    kCreate,     // must not exist; read and write
    kReadWrite,  // must exist
    kRead,       // must exist
  };
  struct Space {
    uint64_t total_bytes = 0;
    uint64_t free_bytes = 0;  // for us (not for root)
  };

  virtual ~Disk() = default;
  // direct: O_DIRECT where the file system has it; ask DiskFile::direct() what was given.
  // kUnavailable when the process or the machine has no descriptor or memory to spare: it may pass.
  virtual Result<std::unique_ptr<DiskFile>> Open(const std::filesystem::path& path, Mode mode,
                                                 bool direct) = 0;
  virtual Status CreateDirectories(const std::filesystem::path& path) = 0;
  virtual Result<std::vector<std::string>> List(
      const std::filesystem::path& directory) = 0;  // names, sorted
  virtual Status Rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Status Unlink(const std::filesystem::path& path) = 0;
  // Makes creations, renames and unlinks in it durable. kUnavailable as Open, before anything is
  // synced.
  virtual Status SyncDirectory(const std::filesystem::path& directory) = 0;
  virtual Result<Space> GetSpace(const std::filesystem::path& directory) = 0;
  // Exclusive for this process while the handle lives. kConflict if another process holds it.
  virtual Result<std::shared_ptr<void>> Lock(const std::filesystem::path& path) = 0;
  // Where the index engine (RocksDB) keeps its files for the store in `directory`. Real drivers:
  // directory/index. The in-memory driver gives a real temporary folder, or one of an older age, as
  // a power cut would leave it.
  virtual Result<std::filesystem::path> IndexDirectory(const std::filesystem::path& directory) = 0;
  // What the index engine reads and writes its files with, so that tests can fill its disk, too;
  // outlives the store. nullptr: the operating system.
  virtual rocksdb::Env* IndexEnvironment() { return nullptr; }
};

// The operating system's files. Lives for the whole program.
Disk& RealDisk();

}  // namespace penstock::store
