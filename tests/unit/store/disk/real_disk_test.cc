#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/disk/disk.h"
#include "tests/testing/temp_dir.h"

namespace penstock::store {
namespace {

// While it lives no descriptor can be had.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_GE(lowest, 0);
    ::close(lowest);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

 private:
  rlimit before_{};
};

TEST(RealDiskTest, WithoutADescriptorToSpareItIsUnavailableAndNotBroken) {
  const testing::TempDir dir;
  Disk& disk = RealDisk();
  const auto made = [&] { return disk.Open(dir.path() / "file", Disk::Mode::kCreate, true); };
  // Each way to fail once with descriptors to spare: UBSan wants some when it sees a type first.
  EXPECT_EQ(disk.SyncDirectory(dir.path() / "nowhere").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(disk.Open(dir.path() / "nowhere", Disk::Mode::kRead, true).error().code(),
            ErrorCode::kNotFound);
  {
    const NoDescriptors none;
    EXPECT_EQ(made().error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(disk.SyncDirectory(dir.path()).error().code(), ErrorCode::kUnavailable);
  }
  EXPECT_TRUE(made().ok());
  EXPECT_TRUE(disk.SyncDirectory(dir.path()).ok());
  EXPECT_EQ(made().error().code(), ErrorCode::kAlreadyExists);
}

}  // namespace
}  // namespace penstock::store
