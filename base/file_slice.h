// A range of an open file: how stored bytes travel to a socket without passing through our memory.
#pragma once

#include <cstdint>
#include <memory>

namespace penstock {

// Owns a descriptor; closes it at the end. The file may have been unlinked meanwhile: its bytes
// stay readable.
class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct FileSlice {
  std::shared_ptr<const FileHandle> file;
  uint64_t offset = 0;  // bytes from the start of the file
  uint64_t size = 0;    // bytes
};

}  // namespace penstock
