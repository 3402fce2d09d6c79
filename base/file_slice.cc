#include "base/file_slice.h"

#include <unistd.h>

namespace penstock {

FileHandle::~FileHandle() {
  // Read-only descriptors: a failed close loses nothing.
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace penstock
